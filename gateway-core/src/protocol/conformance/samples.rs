//! What we send with each method: the least, and everything we have a name for.

use crate::protocol::connect::Scope;
use crate::protocol::method::agent::*;
use crate::protocol::method::approvals::*;
use crate::protocol::method::channels::*;
use crate::protocol::method::chat::*;
use crate::protocol::method::config::*;
use crate::protocol::method::cron::*;
use crate::protocol::method::devices::*;
use crate::protocol::method::health::*;
use crate::protocol::method::models::*;
use crate::protocol::method::nodes::*;
use crate::protocol::method::questions::*;
use crate::protocol::method::sessions::*;
use crate::protocol::method::voice::*;
use crate::protocol::method::{Method, NoParams};
use crate::protocol::{RunId, SessionKey};
use serde_json::{Value, json};

/// Returns samples of the params of every method.
pub(super) fn params() -> Vec<(&'static str, Value)> {
    let mut samples = Vec::new();
    health(&mut samples);
    chat(&mut samples);
    sessions(&mut samples);
    pickers_and_voice(&mut samples);
    configuration(&mut samples);
    pairing(&mut samples);
    decisions(&mut samples);
    samples
}

fn add<M: Method>(samples: &mut Vec<(&'static str, Value)>, params: M::Params) {
    // Every scope a method needs is one that can be asked for.
    assert!(!matches!(M::NEEDS.scope(), Scope::Other(_)));
    samples.push((M::NAME, serde_json::to_value(params).unwrap()));
}

fn none<M: Method<Params = NoParams>>(samples: &mut Vec<(&'static str, Value)>) {
    add::<M>(samples, NoParams::default());
}

fn health(samples: &mut Vec<(&'static str, Value)>) {
    add::<Health>(
        samples,
        HealthParams {
            probe: Some(true),
            ..Default::default()
        },
    );
    add::<Health>(samples, HealthParams::default());
    let status = StatusParams {
        include_channel_summary: Some(false),
        deep: Some(true),
        ..Default::default()
    };
    add::<Status>(samples, status);
    none::<SystemPresence>(samples);
    let tail = LogsTailParams {
        cursor: Some(0),
        limit: Some(5000),
        max_bytes: Some(1_000_000),
        ..Default::default()
    };
    add::<LogsTail>(samples, tail);
    none::<LastHeartbeat>(samples);
    let channels = ChannelsStatusParams {
        probe: Some(true),
        timeout_ms: Some(5000),
        channel: Some("telegram".into()),
        ..Default::default()
    };
    add::<ChannelsStatus>(samples, channels);
    let cron = CronListParams {
        include_disabled: Some(true),
        limit: Some(50),
        offset: Some(0),
        ..Default::default()
    };
    add::<CronList>(samples, cron);
    none::<CronStatus>(samples);
}

fn chat(samples: &mut Vec<(&'static str, Value)>) {
    add::<ChatHistory>(samples, ChatHistoryParams::new("main"));
    let history = ChatHistoryParams {
        limit: Some(1000),
        offset: Some(0),
        max_chars: Some(500_000),
        ..ChatHistoryParams::new("main")
    };
    add::<ChatHistory>(samples, history);
    let whole = ChatMessageGetParams {
        max_chars: Some(2_000_000),
        ..ChatMessageGetParams::new("main", "message")
    };
    add::<ChatMessageGet>(samples, whole);
    add::<ChatSend>(samples, ChatSendParams::new("main", "hello", "key"));
    let send = ChatSendParams {
        thinking: Some("low".into()),
        deliver: Some(false),
        timeout_ms: Some(60_000),
        queue_mode: Some("followup".into()),
        attachments: Some(vec![json!({"type": "image", "mimeType": "image/png"})]),
        ..ChatSendParams::new("main", "hello", "key")
    };
    add::<ChatSend>(samples, send);
    let abort = ChatAbortParams {
        run_id: Some(RunId::from("key")),
        ..ChatAbortParams::new("main")
    };
    add::<ChatAbort>(samples, abort);
    let commands = CommandsListParams {
        agent_id: Some("main".into()),
        scope: Some("text".into()),
        include_args: Some(false),
        ..Default::default()
    };
    add::<CommandsList>(samples, commands);
    let agent = AgentParams {
        agent_id: Some("main".into()),
        session_key: Some("agent:main:main".into()),
        deliver: Some(false),
        thinking: Some("low".into()),
        timeout: Some(60),
        ..AgentParams::new("hello", "key")
    };
    add::<Agent>(samples, agent);
    let wait = AgentWaitParams {
        timeout_ms: Some(1000),
        ..AgentWaitParams::new("key")
    };
    add::<AgentWait>(samples, wait);
}

fn sessions(samples: &mut Vec<(&'static str, Value)>) {
    none::<SessionsSubscribe>(samples);
    add::<SessionsMessagesSubscribe>(samples, SessionsMessagesSubscribeParams::new("main"));
    let list = SessionsListParams {
        limit: Some(50),
        offset: Some(0),
        include_derived_titles: Some(true),
        include_last_message: Some(true),
        agent_id: Some("main".into()),
        archived: Some("all".into()),
        ..Default::default()
    };
    add::<SessionsList>(samples, list);
    let preview = SessionsPreviewParams {
        limit: Some(4),
        max_chars: Some(200),
        ..SessionsPreviewParams::new(vec![SessionKey::from("main")])
    };
    add::<SessionsPreview>(samples, preview);
    add::<SessionsDescribe>(samples, SessionsDescribeParams::new("main"));
    let create = SessionsCreateParams {
        key: Some(SessionKey::from("agent:main:new")),
        label: Some("New".into()),
        agent_id: Some("main".into()),
        model: Some("mock/mock-1".into()),
        parent_session_key: Some(SessionKey::from("agent:main:main")),
        fork: Some(true),
        fork_from: Some("last-completed".into()),
        ..Default::default()
    };
    add::<SessionsCreate>(samples, create);
    let change = SessionsPatchParams {
        pinned: Some(true),
        archived: Some(false),
        unread: Some(false),
        label: Some(Some("Other".into())),
        model: Some(None),
        thinking_level: Some(None),
        ..SessionsPatchParams::new("main")
    };
    add::<SessionsPatch>(samples, change);
    let delete = SessionsDeleteParams {
        delete_transcript: Some(true),
        archived_only: Some(true),
        ..SessionsDeleteParams::new("x")
    };
    add::<SessionsDelete>(samples, delete);
    let reset = SessionsResetParams {
        reason: Some("new".into()),
        ..SessionsResetParams::new("main")
    };
    add::<SessionsReset>(samples, reset);
    add::<SessionsCompact>(samples, SessionsCompactParams::new("main"));
}

fn pickers_and_voice(samples: &mut Vec<(&'static str, Value)>) {
    let models = ModelsListParams {
        view: Some("all".into()),
        ..Default::default()
    };
    add::<ModelsList>(samples, models);
    none::<AgentsList>(samples);
    let identity = AgentIdentityParams {
        agent_id: Some("main".into()),
        session_key: Some("main".into()),
        ..Default::default()
    };
    add::<AgentIdentityGet>(samples, identity);
    none::<VoicewakeGet>(samples);
    add::<VoicewakeSet>(samples, Triggers::new(vec!["openclaw".to_owned()]));
    let talk = TalkConfigParams {
        include_secrets: Some(false),
        ..Default::default()
    };
    add::<TalkConfig>(samples, talk);
    let mode = TalkModeParams {
        phase: Some("listening".into()),
        ..TalkModeParams::new(true)
    };
    add::<TalkMode>(samples, mode);
    none::<TtsStatus>(samples);
}

fn configuration(samples: &mut Vec<(&'static str, Value)>) {
    none::<ConfigGet>(samples);
    none::<ConfigSchema>(samples);
    let write = || ConfigWriteParams {
        base_hash: Some("hash".into()),
        ..ConfigWriteParams::new("{}")
    };
    add::<ConfigPatch>(samples, write());
    add::<ConfigSet>(samples, write());
}

fn pairing(samples: &mut Vec<(&'static str, Value)>) {
    none::<DevicePairList>(samples);
    add::<DevicePairApprove>(samples, PairingDecisionParams::new("request"));
    add::<DevicePairReject>(samples, PairingDecisionParams::new("request"));
    add::<DevicePairRemove>(samples, DeviceParams::new("device"));
    add::<DevicePairRename>(samples, DevicePairRenameParams::new("device", "Laptop"));
    add::<DeviceTokenRotate>(samples, DeviceTokenParams::new("device", "operator"));
    add::<DeviceTokenRevoke>(samples, DeviceTokenParams::new("device", "operator"));
    none::<NodeList>(samples);
    add::<NodeDescribe>(samples, NodeParams::new("node"));
    none::<NodePairList>(samples);
    add::<NodePairApprove>(samples, PairingDecisionParams::new("request"));
    add::<NodePairReject>(samples, PairingDecisionParams::new("request"));
    add::<NodePairRemove>(samples, NodeParams::new("node"));
}

fn decisions(samples: &mut Vec<(&'static str, Value)>) {
    none::<ExecApprovalList>(samples);
    add::<ExecApprovalGet>(samples, ApprovalParams::new("approval"));
    for decision in [Decision::AllowOnce, Decision::AllowAlways, Decision::Deny] {
        add::<ExecApprovalResolve>(samples, ApprovalResolveParams::new("approval", decision));
    }
    none::<QuestionList>(samples);
    let Value::Object(labels) = json!({"q1": ["A"]}) else {
        return;
    };
    let answer = QuestionResolveParams {
        answers: Some(Answers::new(labels)),
        ..QuestionResolveParams::new("set")
    };
    add::<QuestionResolve>(samples, answer);
    let cancel = QuestionResolveParams {
        cancel: Some(true),
        ..QuestionResolveParams::new("set")
    };
    add::<QuestionResolve>(samples, cancel);
}
