//! The gateway of a test: it answers what the test has it answer.

use super::*;

#[derive(Default)]
pub(crate) struct FakeGateway {
    history: Mutex<Option<ChatHistoryPayload>>,
    waiting: Mutex<Listed>,
    /// What was decided, in words, and what is said to the next decision.
    decided: Arc<Mutex<Vec<String>>>,
    /// What it says of its health, and how often it was asked.
    health: Mutex<(serde_json::Value, usize)>,
    refusal: Mutex<Option<CallError>>,
    /// Its conversations.
    pub(crate) sessions: FakeSessions,
}

impl FakeGateway {
    /// One whose decisions go into that list.
    pub(crate) fn deciding_with(decided: &Arc<Mutex<Vec<String>>>) -> Self {
        Self {
            decided: Arc::clone(decided),
            ..Self::default()
        }
    }

    pub(crate) fn answers_history(&self, payload: serde_json::Value) {
        *self.history.lock().unwrap() = Some(serde_json::from_value(payload).unwrap());
    }

    pub(crate) fn lists(&self, approvals: serde_json::Value, questions: serde_json::Value) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.approvals = serde_json::from_value(approvals).unwrap();
        waiting.questions = serde_json::from_value(questions).unwrap();
    }

    pub(crate) fn lists_who_wants_in(&self, devices: serde_json::Value, nodes: serde_json::Value) {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.devices = serde_json::from_value(devices).unwrap();
        waiting.nodes = serde_json::from_value(nodes).unwrap();
    }

    pub(crate) fn says_of_its_health(&self, told: serde_json::Value) {
        self.health.lock().unwrap().0 = told;
    }

    pub(crate) fn times_asked_for_report(&self) -> usize {
        self.health.lock().unwrap().1
    }

    pub(crate) fn refuses_the_next_decision(&self, why: CallError) {
        *self.refusal.lock().unwrap() = Some(why);
    }

    pub(crate) fn decided(&self) -> Vec<String> {
        self.decided.lock().unwrap().clone()
    }

    fn takes(&self, decision: String) -> BoxFuture<'static, Result<(), CallError>> {
        self.decided.lock().unwrap().push(decision);
        let answer = self.refusal.lock().unwrap().take().map_or(Ok(()), Err);
        Box::pin(async move { answer })
    }
}

impl GatewayPort for FakeGateway {
    fn log(&self) -> BoxFuture<'static, Result<LogView, CallError>> {
        Box::pin(async move { Ok(gateway_log()) })
    }

    fn history(&self, _: String) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let told = self.history.lock().unwrap().clone();
        let empty = || serde_json::from_value(json!({"sessionKey": "", "messages": []})).unwrap();
        let answer = told.unwrap_or_else(empty);
        Box::pin(async move { Ok(answer) })
    }

    fn earlier(
        &self,
        _: String,
        offset: u32,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let page = json!({"sessionKey": "", "hasMore": true, "nextOffset": offset + 1, "messages": [
            {"role": "user", "content": format!("message {offset}")}]});
        Box::pin(async move { Ok(serde_json::from_value(page).unwrap()) })
    }

    fn message(
        &self,
        _: String,
        id: String,
    ) -> BoxFuture<'static, Result<ChatMessageGetPayload, CallError>> {
        let answer = match id.as_str() {
            "gone" => json!({"ok": false, "unavailableReason": "not_found"}),
            _ => json!({"ok": true, "message": {"role": "assistant", "content": "all of it"}}),
        };
        let answer = serde_json::from_value(answer).unwrap();
        Box::pin(async move { Ok(answer) })
    }

    fn abort(
        &self,
        _: String,
        _: Option<String>,
    ) -> BoxFuture<'static, Result<ChatAbortPayload, CallError>> {
        let answer = serde_json::from_value(json!({"aborted": true})).unwrap();
        Box::pin(async move { Ok(answer) })
    }

    fn report(&self) -> BoxFuture<'static, Result<GatewayAnswers, CallError>> {
        let mut health = self.health.lock().unwrap();
        health.1 += 1;
        let told = Some(health.0.clone()).filter(|told| !told.is_null());
        let told = told.unwrap_or_else(|| json!({}));
        let answers = GatewayAnswers::of_health(serde_json::from_value(told).unwrap());
        Box::pin(async move { Ok(answers) })
    }

    fn approvals(&self) -> BoxFuture<'static, Result<Vec<ApprovalRequest>, CallError>> {
        let listed = self.waiting.lock().unwrap().approvals.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn questions(&self) -> BoxFuture<'static, Result<Vec<QuestionSet>, CallError>> {
        let listed = self.waiting.lock().unwrap().questions.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn pending_devices(&self) -> BoxFuture<'static, Result<Vec<PendingDevice>, CallError>> {
        let listed = self.waiting.lock().unwrap().devices.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn pending_nodes(&self) -> BoxFuture<'static, Result<Vec<PendingNode>, CallError>> {
        let listed = self.waiting.lock().unwrap().nodes.clone();
        Box::pin(async move { Ok(listed) })
    }

    fn decide_pairing(
        &self,
        id: PairingRequestId,
        kind: PairingKind,
        approve: bool,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        self.takes(format!("{id}: {kind:?} {approve}"))
    }

    fn decide(
        &self,
        id: ApprovalId,
        decision: Decision,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        self.takes(format!("{id}: {decision}"))
    }

    fn answer_questions(
        &self,
        id: QuestionSetId,
        answers: Option<Answers>,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let answers = answers.map(|answers| serde_json::to_string(&answers).unwrap());
        self.takes(format!(
            "{id}: {}",
            answers.unwrap_or("dismissed".to_owned())
        ))
    }
}
