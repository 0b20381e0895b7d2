//! Runs the tools of one round, one after the other, in the order they were asked for.

use super::super::context::without_middle;
use super::super::message::Message;
use super::super::toolbox::{ToolCall, ToolNews, ToolProgress, ToolResult};
use super::{Interruption, Run, TurnEvent};
use std::sync::Arc;

/// How much of a result a model is shown, in bytes; a tool that says more is cut in its middle.
const LONGEST_RESULT: usize = 64 * 1024;

impl Run {
    pub(super) async fn run_tools(&mut self, calls: Vec<ToolCall>) -> Result<(), Interruption> {
        let mut waiting = calls.into_iter();
        while let Some(call) = waiting.next() {
            match self.run_tool(&call).await {
                Ok(result) => self.keep_result(call, result),
                Err(interruption) => {
                    for call in std::iter::once(call).chain(waiting) {
                        self.keep_result(call, ToolResult::failed("stopped by the user"));
                    }
                    return Err(interruption);
                }
            }
        }
        Ok(())
    }

    async fn run_tool(&mut self, call: &ToolCall) -> Result<ToolResult, Interruption> {
        let ToolCall {
            id,
            name,
            arguments,
        } = call.clone();
        self.tell(TurnEvent::ToolStart {
            id: id.clone(),
            name: name.clone(),
            args: arguments,
        })
        .await?;
        let mut result = if call.arguments.is_object() {
            self.wait_for_tool(call).await?
        } else {
            ToolResult::failed("the arguments are not a JSON object; write them again")
        };
        result.text = without_middle(&result.text, LONGEST_RESULT);
        self.tell(TurnEvent::ToolResult {
            id,
            name,
            result: result.clone(),
        })
        .await?;
        Ok(result)
    }

    async fn wait_for_tool(&self, call: &ToolCall) -> Result<ToolResult, Interruption> {
        let (progress, mut shown) = ToolProgress::channel();
        let tools = Arc::clone(&self.tools);
        let mut answer = tools.call(call.clone(), progress, self.cancel.child_token());
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(Interruption::Cancelled),
                result = &mut answer => {
                    // What it said last is told before its result.
                    while let Ok(news) = shown.try_recv() {
                        self.tell(of(call, news)).await?;
                    }
                    return Ok(result);
                }
                Some(news) = shown.recv() => self.tell(of(call, news)).await?,
            }
        }
    }

    fn keep_result(&mut self, call: ToolCall, result: ToolResult) {
        let timestamp_ms = self.now_ms();
        self.conversation.push(Message::ToolResult {
            call_id: call.id,
            name: call.name,
            text: result.text,
            is_error: result.is_error,
            timestamp_ms,
        });
    }
}

fn of(call: &ToolCall, news: ToolNews) -> TurnEvent {
    let id = call.id.clone();
    match news {
        ToolNews::SoFar(result) => TurnEvent::ToolUpdate {
            id,
            name: call.name.clone(),
            result,
        },
        ToolNews::Waits { approval } => TurnEvent::ToolWaits { id, approval },
        ToolNews::Decided { approval } => TurnEvent::ToolDecided { id, approval },
    }
}
