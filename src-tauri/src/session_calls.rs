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
                SessionsDeleteParams, SessionsDescribe, SessionsDescribeParams, SessionsList,
                SessionsListParams, SessionsPatch, SessionsPatchParams, SessionsReset,
                SessionsResetParams, SessionsSubscribe,
            },
        },
    },
};
use std::time::Duration;
use tokio::time::sleep;

/// How many conversations are asked for at once: gateways look into the messages of each.
const PAGE: u32 = 200;

/// How many are listed: more than a person looks through, and few enough to send at each change.
const MOST: usize = 1000;

/// The first wire version that lists from where the last list ended, and those put away.
const PAGES_SINCE: u32 = 4;

/// How long a gateway may take to stop what goes on in a conversation that is put away.
const LETTING_GO: Duration = Duration::from_secs(30);

/// How often one that asks for patience is asked again, and after how long where it does not say.
const MORE_TRIES: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(2);

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
        SessionOrder::Patch(mut params) => {
            if params.archived.is_some() {
                params.expected_session_id = id_of(session, &params.key).await?;
            }
            patch(session, params).await?;
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

/// Returns the id of what is in a conversation now, which gateways want to hear before they put it away.
async fn id_of(session: &Session, key: &SessionKey) -> Result<Option<String>, CallError> {
    let params = SessionsDescribeParams::new(key.clone());
    let told = session.call::<SessionsDescribe>(params, ANSWER).await?;
    Ok(told.session.flatten().and_then(|row| row.session_id))
}

/// Changes a conversation. A gateway that is still letting go of what it does there asks for patience.
async fn patch(session: &Session, params: SessionsPatchParams) -> Result<(), CallError> {
    for _ in 0..MORE_TRIES {
        match session
            .call::<SessionsPatch>(params.clone(), LETTING_GO)
            .await
        {
            Err(CallError::Refused { error, .. }) if error.retryable == Some(true) => {
                sleep(error.retry_after().unwrap_or(PATIENCE)).await;
            }
            answer => return answer.map(drop),
        }
    }
    let last = session.call::<SessionsPatch>(params, LETTING_GO).await;
    last.map(drop)
}

async fn delete(session: &Session, key: SessionKey, archive_first: bool) -> Result<(), CallError> {
    let mut params = SessionsDeleteParams::new(key.clone());
    if archive_first {
        let mut archive = SessionsPatchParams::new(key);
        archive.archived = Some(true);
        archive.expected_session_id = id_of(session, &archive.key).await?;
        params
            .expected_session_id
            .clone_from(&archive.expected_session_id);
        patch(session, archive).await?;
        params.archived_only = Some(true);
    }
    session.call::<SessionsDelete>(params, ANSWER).await?;
    Ok(())
}
