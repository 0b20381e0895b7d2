//! Waiting for what an official gateway has stored of a conversation.

use anyhow::{Result, bail};

use super::{TURN, TestGateway};
use crate::delivery::{Delivery, ids_in};
use crate::wait::until;

impl TestGateway {
    /// Waits until every message that was sent stands in the history, and returns the ids of all that stand there.
    ///
    /// A message the gateway has taken waits for the turns before it, and only then stands there: as
    /// long as the waiting ones get fewer, none is lost yet.
    ///
    /// # Errors
    ///
    /// When no further one comes; the text says what the gateway tells of the conversation.
    pub async fn stores_all(&self, session_key: &str, sent: &[String]) -> Result<Vec<String>> {
        let mut stored = Vec::new();
        let mut judged = Delivery::judge(sent, &stored);
        while !judged.lost.is_empty() {
            let missing = judged.lost.len();
            let fewer = until("another text in the history", TURN, async || {
                stored = ids_in(&self.user_texts(session_key).await?);
                judged = Delivery::judge(sent, &stored);
                Ok((judged.lost.len() < missing).then_some(()))
            })
            .await;
            if let Err(late) = fewer {
                let state = self.session_state(session_key).await?;
                bail!("{late:#}: {judged:?} of {} sent\n{state}", sent.len());
            }
        }
        Ok(stored)
    }
}
