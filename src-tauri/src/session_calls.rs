//! Conversations as the controller lists and changes them, over a live session.

use crate::{
    controller::{Choices, ListedSessions, SessionChanged, SessionOrder, SessionsPort},
    gateway_calls::{ANSWER, LiveGateway},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    client::{CallError, Offers, Session},
    protocol::{
        SessionKey,
        method::{
            chat::CommandsList,
            models::{AgentsList, ModelsList},
            sessions::{
                SessionRow, SessionsCompact, SessionsCompactParams, SessionsCreate, SessionsDelete,
                SessionsDeleteParams, SessionsList, SessionsListParams, SessionsPatch,
                SessionsPatchParams, SessionsReset, SessionsResetParams, SessionsSubscribe,
            },
        },
    },
};
use std::time::Duration;

/// How many conversations are asked for at once: gateways look into the messages of each.
const PAGE: u32 = 200;

/// How many are listed: more than a person looks through, and few enough to send at each change.
const MOST: usize = 1000;

/// The first wire version that lists from where the last list ended, and those put away.
const PAGES_SINCE: u32 = 4;

/// How long the model may take to sum a conversation up.
const SUMMARY: Duration = Duration::from_secs(180);

impl SessionsPort for LiveGateway {
    fn offers(&self) -> Offers {
        self.0.offers().clone()
    }

    fn watch_sessions(&self) -> BoxFuture<'static, Result<(), CallError>> {
        let session = self.0.clone();
        async move {
            let asked = session.call::<SessionsSubscribe>(Default::default(), ANSWER);
            asked.await.map(drop)
        }
        .boxed()
    }

    fn sessions(&self) -> BoxFuture<'static, Result<ListedSessions, CallError>> {
        let session = self.0.clone();
        async move { list(&session).await }.boxed()
    }

    fn choices(&self) -> BoxFuture<'static, Result<Choices, CallError>> {
        let session = self.0.clone();
        async move {
            let (agents, models, commands) = tokio::join!(
                session.call::<AgentsList>(Default::default(), ANSWER),
                session.call::<ModelsList>(Default::default(), ANSWER),
                session.call::<CommandsList>(Default::default(), ANSWER),
            );
            Ok(Choices {
                agents: told(agents)?,
                models: told(models)?.map(|told| told.models).unwrap_or_default(),
                commands: told(commands)?
                    .map(|told| told.commands)
                    .unwrap_or_default(),
            })
        }
        .boxed()
    }

    fn change_session(
        &self,
        order: SessionOrder,
    ) -> BoxFuture<'static, Result<SessionChanged, CallError>> {
        let session = self.0.clone();
        async move { change(&session, order).await }.boxed()
    }
}

/// A gateway that refuses to tell has nothing to choose from.
fn told<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(CallError::Refused { .. } | CallError::Malformed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list(session: &Session) -> Result<ListedSessions, CallError> {
    let in_pages = session.offers().protocol >= PAGES_SINCE;
    let mut rows: Vec<SessionRow> = Vec::new();
    loop {
        let params = SessionsListParams {
            limit: Some(PAGE),
            offset: (in_pages && !rows.is_empty())
                .then(|| u32::try_from(rows.len()).unwrap_or(u32::MAX)),
            include_derived_titles: Some(true),
            include_last_message: Some(true),
            archived: in_pages.then(|| "all".into()),
            ..SessionsListParams::default()
        };
        let page = session.call::<SessionsList>(params, ANSWER).await?;
        let has_more = page.has_more == Some(true);
        let is_last = page.sessions.is_empty() || !has_more || !in_pages;
        rows.extend(page.sessions);
        if is_last || rows.len() >= MOST {
            return Ok(ListedSessions { rows, has_more });
        }
    }
}

async fn change(session: &Session, order: SessionOrder) -> Result<SessionChanged, CallError> {
    match order {
        SessionOrder::Create(params) => {
            let created = session.call::<SessionsCreate>(params, ANSWER).await?;
            return Ok(SessionChanged::Created(created.key));
        }
        SessionOrder::Patch(params) => {
            session.call::<SessionsPatch>(params, ANSWER).await?;
        }
        SessionOrder::Delete { key, archive_first } => {
            delete(session, key, archive_first).await?;
        }
        SessionOrder::Reset(key) => {
            let params = SessionsResetParams::new(key);
            session.call::<SessionsReset>(params, ANSWER).await?;
        }
        SessionOrder::Compact(key) => {
            let params = SessionsCompactParams::new(key);
            let told = session.call::<SessionsCompact>(params, SUMMARY).await?;
            if told.compacted == Some(false) {
                return Ok(SessionChanged::NothingToCompact(told.reason));
            }
        }
    }
    Ok(SessionChanged::Done)
}

async fn delete(session: &Session, key: SessionKey, archive_first: bool) -> Result<(), CallError> {
    let mut params = SessionsDeleteParams::new(key.clone());
    if archive_first {
        let mut patch = SessionsPatchParams::new(key);
        patch.archived = Some(true);
        session.call::<SessionsPatch>(patch, ANSWER).await?;
        params.archived_only = Some(true);
    }
    session.call::<SessionsDelete>(params, ANSWER).await?;
    Ok(())
}
