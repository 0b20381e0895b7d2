//! What is kept of conversations, in memory: the real one has tests over real files.

use crate::{
    controller::ports::{KeptChatsPort, KeptHistory},
    view_model::{NotKept, UiError},
};
use futures_util::future::BoxFuture;
use gateway_core::{config::ProfileId, protocol::method::chat::ChatHistoryPayload};
use std::sync::Mutex;

/// What is kept of conversations, in memory.
#[derive(Default)]
pub(in crate::controller::tests) struct FakeKeptChats {
    pub(in crate::controller::tests) drafts: Mutex<Vec<(String, String)>>,
    pub(in crate::controller::tests) forgotten: Mutex<Vec<String>>,
    pub(in crate::controller::tests) not_kept: Mutex<Option<NotKept>>,
    histories: Mutex<Vec<(ProfileId, String, ChatHistoryPayload)>>,
}

/// When every history of the fake was kept.
pub(in crate::controller::tests) const KEPT_AT_MS: u64 = 1_700_000_000_000;

impl FakeKeptChats {
    /// How many histories were kept.
    pub(in crate::controller::tests) fn count(&self) -> usize {
        self.histories.lock().unwrap().len()
    }
}

impl KeptChatsPort for FakeKeptChats {
    fn keep_draft(&self, gateway: &ProfileId, _: &str, text: &str) {
        let draft = (gateway.to_string(), text.to_owned());
        self.drafts.lock().unwrap().push(draft);
    }

    fn keep_history(&self, gateway: &ProfileId, session_key: &str, history: &ChatHistoryPayload) {
        let kept = (gateway.clone(), session_key.to_owned(), history.clone());
        self.histories.lock().unwrap().push(kept);
    }

    fn history(
        &self,
        gateway: &ProfileId,
        session_key: &str,
    ) -> BoxFuture<'static, Option<KeptHistory>> {
        let histories = self.histories.lock().unwrap();
        let mut newest_first = histories.iter().rev();
        let kept = newest_first
            .find(|(of, session, _)| of == gateway && session == session_key)
            .map(|(_, _, payload)| KeptHistory {
                payload: payload.clone(),
                as_of_ms: KEPT_AT_MS,
            });
        Box::pin(async move { kept })
    }

    fn forget_refused(&self, _: &ProfileId, key: &str) {
        self.forgotten.lock().unwrap().push(key.to_owned());
    }

    fn forget_gateway(&self, gateway: &ProfileId) {
        let mut histories = self.histories.lock().unwrap();
        histories.retain(|(of, ..)| of != gateway);
    }

    fn forget_histories(&self) -> BoxFuture<'static, Result<(), UiError>> {
        self.histories.lock().unwrap().clear();
        Box::pin(async { Ok(()) })
    }

    fn not_kept(&self) -> Option<NotKept> {
        *self.not_kept.lock().unwrap()
    }

    fn settle(&self) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
