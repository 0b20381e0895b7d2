//! What the gateway serves. One file per family; this one lists them.

mod agent;
mod approvals;
mod attachments;
pub(super) mod chat;
mod config;
mod devices;
mod logs;
mod models;
mod node_approvals;
mod node_side;
mod nodes;
mod questions;
mod reports;
mod session_runs;
mod sessions;
mod setup_code;
mod status;
mod usage;
mod voice;
mod wake;

use super::router::{Access, Router};
use crate::protocol::method::Needs;

/// Returns everything the gateway serves.
pub(super) fn all() -> Router {
    use Needs::{Admin, Dynamic, Read, Write};
    let mut router = Router::default();
    let to = Access::Operator;
    router.serve_wire("health", Access::Everybody, status::health);
    router.serve("status", to(Read), status::status);
    router.serve_now("system-presence", to(Read), status::presence);
    router.serve_now("system-event", to(Admin), status::system_event);
    router.serve_now("last-heartbeat", to(Read), status::last_heartbeat);
    router.serve("chat.history", to(Read), chat::history);
    router.serve("chat.send", to(Write), chat::send);
    router.serve("chat.abort", to(Write), chat::abort);
    router.serve("chat.inject", to(Admin), chat::inject);
    router.serve("agent", to(Write), agent::agent);
    router.serve("agent.wait", to(Write), agent::wait);
    router.serve_now("agents.list", to(Read), agent::list);
    router.serve_now("agent.identity.get", to(Read), agent::identity);
    router.serve_now("models.list", to(Read), models::list);
    router.serve_now("commands.list", to(Read), models::commands);
    router.serve("sessions.list", to(Read), sessions::list);
    router.serve_now("sessions.subscribe", to(Read), sessions::subscribe);
    router.serve_now(
        "sessions.messages.subscribe",
        to(Read),
        sessions::watch_messages,
    );
    router.serve_now(
        "sessions.messages.unsubscribe",
        to(Read),
        sessions::unwatch_messages,
    );
    router.serve("sessions.preview", to(Read), sessions::preview);
    router.serve("sessions.describe", to(Read), sessions::describe);
    router.serve("sessions.create", to(Dynamic), sessions::create);
    router.serve("sessions.patch", to(Dynamic), sessions::patch);
    router.serve("sessions.reset", to(Admin), sessions::reset);
    router.serve("sessions.delete", to(Dynamic), sessions::delete);
    router.serve("sessions.send", to(Write), session_runs::send);
    router.serve("sessions.abort", to(Write), session_runs::abort);
    router.serve("voicewake.get", Access::NodeOr(Read), voice::get);
    router.serve("voicewake.set", to(Write), voice::set);
    router.serve_now(
        "voicewake.routing.get",
        Access::NodeOr(Read),
        voice::routing,
    );
    router.serve_now("talk.config", to(Read), voice::talk_config);
    router.serve_now("talk.mode", to(Needs::Talk), voice::talk_mode);
    devices_and_nodes(&mut router);
    for_people(&mut router);
    router.serve_now("config.get", to(Read), config::get);
    router.serve("config.set", to(Admin), config::set);
    router.serve("config.patch", to(Admin), config::patch);
    router.serve("config.apply", to(Admin), config::apply);
    router.serve("logs.tail", to(Read), logs::tail);
    router.serve_now("channels.status", to(Read), reports::channels);
    router.serve_now("message.action", to(Write), reports::message_action);
    router.serve_now("cron.list", to(Read), reports::cron_list);
    router.serve_now("cron.status", to(Read), reports::cron_status);
    router.serve_now("cron.get", to(Read), reports::cron_get);
    router.serve_now("tts.status", to(Read), reports::tts_status);
    router.serve_now("diagnostics.stability", to(Read), reports::stability);
    router.serve("usage.cost", to(Read), usage::cost);
    router.serve_now("wake", to(Write), wake::wake);
    router
}

/// Who may connect, and machines that run commands.
fn devices_and_nodes(router: &mut Router) {
    use Needs::{Admin, Dynamic, Pairing, Read};
    let to = Access::Operator;
    router.serve_now("device.pair.setupCode", to(Admin), setup_code::make);
    router.serve("device.pair.list", to(Pairing), devices::list);
    router.serve("device.pair.approve", to(Pairing), devices::approve);
    router.serve("device.pair.reject", to(Pairing), devices::reject);
    router.serve("device.pair.remove", to(Pairing), devices::remove);
    router.serve("device.pair.rename", to(Pairing), devices::rename);
    router.serve("device.token.rotate", to(Pairing), devices::rotate);
    router.serve("device.token.revoke", to(Pairing), devices::revoke);
    router.serve(
        "device.scopes.requestUpgrade",
        to(Read),
        devices::request_upgrade,
    );
    router.serve("device.scopes.waitUpgrade", to(Read), devices::wait_upgrade);
    router.serve("node.list", to(Read), nodes::list);
    router.serve("node.describe", to(Read), nodes::describe);
    router.serve("node.rename", to(Pairing), nodes::rename);
    router.serve("node.pair.list", to(Pairing), nodes::pair_list);
    router.serve("node.pair.approve", to(Pairing), nodes::approve);
    router.serve("node.pair.reject", to(Pairing), nodes::reject);
    router.serve("node.pair.remove", to(Pairing), nodes::remove);
    router.serve("node.invoke", to(Dynamic), nodes::invoke);
    router.serve_now("node.invoke.result", Access::Node, node_side::result);
    router.serve_now("node.invoke.progress", Access::Node, node_side::progress);
    router.serve("node.event", Access::Node, node_side::event);
    router.serve_now("node.pending.pull", Access::Node, node_side::pending_pull);
    router.serve_now("node.pending.ack", Access::Node, node_side::pending_ack);
    router.serve_now("node.pending.drain", Access::Node, node_side::pending_drain);
    router.serve_now("node.skills.update", Access::Node, node_side::skills);
    router.serve_now(
        "node.pluginTools.update",
        Access::Node,
        node_side::plugin_tools,
    );
    router.serve(
        "node.runnerInventory.update",
        Access::Node,
        node_side::runner_inventory,
    );
    router.serve_now("skills.bins", Access::Node, node_side::skill_bins);
}

/// What waits for a person.
fn for_people(router: &mut Router) {
    use Needs::{Admin, Approvals, Questions, Read};
    let to = Access::Operator;
    router.serve("exec.approvals.node.get", to(Admin), node_approvals::get);
    router.serve("exec.approvals.node.set", to(Admin), node_approvals::set);
    router.serve("exec.approval.request", to(Approvals), approvals::request);
    router.serve(
        "exec.approval.waitDecision",
        to(Approvals),
        approvals::wait_decision,
    );
    router.serve("exec.approval.resolve", to(Approvals), approvals::resolve);
    router.serve_now("exec.approval.get", to(Approvals), approvals::get);
    router.serve_now("exec.approval.list", to(Approvals), approvals::list);
    router.serve_now(
        "exec.approval.grants.list",
        to(Approvals),
        approvals::grants,
    );
    router.serve_now(
        "exec.approval.grants.revoke",
        to(Approvals),
        approvals::revoke_grant,
    );
    router.serve_now(
        "plugin.approval.list",
        to(Approvals),
        approvals::none_of_plugins,
    );
    router.serve_now("taskSuggestions.list", to(Read), approvals::no_suggestions);
    router.serve("question.request", to(Questions), questions::request);
    router.serve("question.waitAnswer", to(Questions), questions::wait_answer);
    router.serve("question.resolve", to(Questions), questions::resolve);
    router.serve_now("question.get", to(Questions), questions::get);
    router.serve_now("question.list", to(Questions), questions::list);
}
