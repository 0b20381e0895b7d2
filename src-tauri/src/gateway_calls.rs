//! A live session as the controller uses it.

use crate::{
    controller::{GatewayAnswers, GatewayPort},
    view_model::{LogView, PairingKind},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    client::{CallError, Session},
    home_server::gateway_log::{self, LogEnd},
    protocol::{
        PairingRequestId, RunId, SessionKey,
        id::{ApprovalId, QuestionSetId},
        method::{
            approvals::{
                ApprovalRequest, ApprovalResolveParams, Decision, ExecApprovalList,
                ExecApprovalResolve,
            },
            chat::{
                ChatAbort, ChatAbortParams, ChatAbortPayload, ChatHistory, ChatHistoryParams,
                ChatHistoryPayload, ChatMessageGet, ChatMessageGetParams, ChatMessageGetPayload,
            },
            devices::{
                DevicePairApprove, DevicePairList, DevicePairReject, PairingDecisionParams,
                PendingDevice,
            },
            health::{Health, LogsTail, Status, SystemPresence},
            models::AgentsList,
            nodes::{NodeList, NodePairApprove, NodePairList, NodePairReject, PendingNode},
            questions::{
                Answers, QuestionList, QuestionResolve, QuestionResolveParams, QuestionSet,
            },
        },
    },
};
use std::time::Duration;

/// How much of a conversation is fetched: what a person scrolls back through without asking.
const HISTORY_MESSAGES: u32 = 200;

/// How much of one message is fetched, in characters: the most that gateways tell.
const WHOLE_MESSAGE: u32 = 2_000_000;

/// How long a gateway may take to answer a call. The reference client gives up after 15 s, but an official gateway
/// that has just started was seen to answer nothing for as long; whether the line is alive is watched elsewhere.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// Calls the gateway over one session.
pub(crate) struct LiveGateway(pub(crate) Session);

impl GatewayPort for LiveGateway {
    fn history(
        &self,
        session_key: String,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = ChatHistoryParams::new(SessionKey::from(session_key));
            params.limit = Some(HISTORY_MESSAGES);
            session.call::<ChatHistory>(params, ANSWER).await
        }
        .boxed()
    }

    fn earlier(
        &self,
        session_key: String,
        offset: u32,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = ChatHistoryParams::new(SessionKey::from(session_key));
            params.limit = Some(HISTORY_MESSAGES);
            params.offset = Some(offset);
            session.call::<ChatHistory>(params, ANSWER).await
        }
        .boxed()
    }

    fn message(
        &self,
        session_key: String,
        id: String,
    ) -> BoxFuture<'static, Result<ChatMessageGetPayload, CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = ChatMessageGetParams::new(SessionKey::from(session_key), id);
            params.max_chars = Some(WHOLE_MESSAGE);
            session.call::<ChatMessageGet>(params, ANSWER).await
        }
        .boxed()
    }

    fn abort(
        &self,
        session_key: String,
        run_id: Option<String>,
    ) -> BoxFuture<'static, Result<ChatAbortPayload, CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = ChatAbortParams::new(SessionKey::from(session_key));
            params.run_id = run_id.map(RunId::from);
            session.call::<ChatAbort>(params, ANSWER).await
        }
        .boxed()
    }

    fn report(&self) -> BoxFuture<'static, Result<GatewayAnswers, CallError>> {
        let session = self.0.clone();
        async move {
            let (health, status, nodes, presence, agents) = tokio::join!(
                session.call::<Health>(Default::default(), ANSWER),
                session.call::<Status>(Default::default(), ANSWER),
                session.call::<NodeList>(Default::default(), ANSWER),
                session.call::<SystemPresence>(Default::default(), ANSWER),
                session.call::<AgentsList>(Default::default(), ANSWER),
            );
            Ok(GatewayAnswers {
                health: health?,
                status: status.ok(),
                nodes: nodes.ok(),
                presence: presence.ok(),
                agents: agents.ok(),
            })
        }
        .boxed()
    }

    fn approvals(&self) -> BoxFuture<'static, Result<Vec<ApprovalRequest>, CallError>> {
        let session = self.0.clone();
        async move {
            session
                .call::<ExecApprovalList>(Default::default(), ANSWER)
                .await
        }
        .boxed()
    }

    fn questions(&self) -> BoxFuture<'static, Result<Vec<QuestionSet>, CallError>> {
        let session = self.0.clone();
        async move {
            let listed = session
                .call::<QuestionList>(Default::default(), ANSWER)
                .await?;
            Ok(listed.questions)
        }
        .boxed()
    }

    fn pending_devices(&self) -> BoxFuture<'static, Result<Vec<PendingDevice>, CallError>> {
        let session = self.0.clone();
        async move {
            let listed = session
                .call::<DevicePairList>(Default::default(), ANSWER)
                .await?;
            Ok(listed.pending)
        }
        .boxed()
    }

    fn pending_nodes(&self) -> BoxFuture<'static, Result<Vec<PendingNode>, CallError>> {
        let session = self.0.clone();
        async move {
            let listed = session
                .call::<NodePairList>(Default::default(), ANSWER)
                .await?;
            Ok(listed.pending)
        }
        .boxed()
    }

    fn decide_pairing(
        &self,
        id: PairingRequestId,
        kind: PairingKind,
        approve: bool,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let session = self.0.clone();
        async move {
            let params = PairingDecisionParams::new(id);
            match (kind, approve) {
                (PairingKind::Device, true) => session
                    .call::<DevicePairApprove>(params, ANSWER)
                    .await
                    .map(drop),
                (PairingKind::Device, false) => session
                    .call::<DevicePairReject>(params, ANSWER)
                    .await
                    .map(drop),
                (PairingKind::Node, true) => session
                    .call::<NodePairApprove>(params, ANSWER)
                    .await
                    .map(drop),
                (PairingKind::Node, false) => session
                    .call::<NodePairReject>(params, ANSWER)
                    .await
                    .map(drop),
            }
        }
        .boxed()
    }

    fn decide(
        &self,
        id: ApprovalId,
        decision: Decision,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let session = self.0.clone();
        async move {
            let params = ApprovalResolveParams::new(id, decision);
            let done = session.call::<ExecApprovalResolve>(params, ANSWER).await;
            done.map(drop)
        }
        .boxed()
    }

    fn answer_questions(
        &self,
        id: QuestionSetId,
        answers: Option<Answers>,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = QuestionResolveParams::new(id);
            params.cancel = answers.is_none().then_some(true);
            params.answers = answers;
            let done = session.call::<QuestionResolve>(params, ANSWER).await;
            done.map(drop)
        }
        .boxed()
    }

    fn log(&self) -> BoxFuture<'static, Result<LogView, CallError>> {
        let session = self.0.clone();
        async move {
            let told = session
                .call::<LogsTail>(gateway_log::params(), ANSWER)
                .await?;
            Ok(log_view(gateway_log::told(&told)))
        }
        .boxed()
    }
}

/// Returns the end of a log as the window shows it.
pub(crate) fn log_view(log: LogEnd) -> LogView {
    LogView {
        file: log.file,
        text: log.text,
    }
}
