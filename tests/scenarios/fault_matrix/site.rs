//! Where the faults happen: a real sshd with our gateway behind it and a fault proxy before it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::core::{Conversation, CoreUser, Reach};
use e2e::delivery::{Delivery, ids_in, message_id, message_text, out_of_order};
use e2e::fault_proxy::FaultProxy;
use e2e::network::FarNetwork;
use e2e::our_gateway::OurGateway;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use gateway_core::client::Session;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use serde_json::{Value, json};

/// From nothing to connected, on a loaded machine.
pub(crate) const UP: Duration = Duration::from_secs(30);
/// How long messages may take to be stored once the way is open.
const STORED: Duration = Duration::from_secs(60);
/// How many messages one history returns.
const HISTORY: usize = 1_000;

/// The servers, and the way to them that can be spoiled.
pub(crate) struct Site {
    pub(crate) ssh: TestSshServer,
    pub(crate) gateway: OurGateway,
    pub(crate) proxy: FaultProxy,
}

impl Site {
    pub(crate) async fn start() -> Result<Self> {
        Self::with(SshServerConfig::default()).await
    }

    /// The SSH server in a far network, the gateway behind it on this side of what joins the two: all
    /// there is on that way is SSH.
    pub(crate) async fn in_network(far: &mut FarNetwork) -> Result<Self> {
        let site = Self::with(SshServerConfig {
            address: FarNetwork::FAR_ADDRESS,
            network: Some(far.pid()),
            ..SshServerConfig::default()
        })
        .await?;
        far.leads_home(site.gateway.port()).await?;
        Ok(site)
    }

    pub(crate) async fn with(config: SshServerConfig) -> Result<Self> {
        let address = config.address;
        let (ssh, gateway) = tokio::try_join!(TestSshServer::start(config), OurGateway::start())?;
        let proxy = FaultProxy::start(SocketAddr::from((address, ssh.port())))?;
        Ok(Self {
            ssh,
            gateway,
            proxy,
        })
    }

    /// The way through the proxy.
    pub(crate) fn reach(&self, policy: RetryPolicy) -> Result<Reach> {
        Reach::through(
            &self.ssh,
            &self.proxy,
            self.gateway.port(),
            self.gateway.token(),
            policy,
        )
    }

    /// The way past the proxy.
    pub(crate) fn straight(&self, policy: RetryPolicy) -> Result<Reach> {
        Ok(Reach {
            target: self.ssh.target(),
            known_hosts: self.ssh.known_hosts_line()?,
            ..self.reach(policy)?
        })
    }

    /// Somebody who is connected through the proxy.
    pub(crate) async fn user(&self, policy: RetryPolicy) -> Result<CoreUser> {
        let user = CoreUser::start(&self.reach(policy)?)?;
        user.command(Command::Connect).await;
        user.is_up(UP).await?;
        Ok(user)
    }

    /// The ids of the messages a conversation holds, in its order.
    pub(crate) async fn stored(&self, conversation: &Conversation) -> Result<Vec<String>> {
        let params = json!({"sessionKey": conversation.0, "limit": HISTORY});
        let history = self
            .gateway
            .witness()
            .await?
            .call("chat.history", params)
            .await?;
        let messages = history.get("messages").and_then(Value::as_array);
        let texts: Vec<String> = messages
            .context("no messages")?
            .iter()
            .filter(|message| message.get("role").and_then(Value::as_str) == Some("user"))
            .map(|message| message.get("content").unwrap_or(&Value::Null).to_string())
            .map(|text| text.replace(['"', '\\'], " "))
            .collect();
        Ok(ids_in(&texts))
    }
}

/// Messages sent to one conversation, each with an id, and what became of them.
pub(crate) struct Talk {
    run: String,
    conversation: Conversation,
    sent: Vec<String>,
}

impl Talk {
    pub(crate) fn new() -> Self {
        let run = uuid::Uuid::new_v4().simple().to_string();
        let conversation = Conversation(format!("faults-{run}"));
        Self {
            run,
            conversation,
            sent: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(crate) async fn say(&mut self, user: &CoreUser) -> Result<()> {
        let id = message_id(&self.run, self.sent.len());
        user.send(&self.conversation, message_text(&id)).await?;
        self.sent.push(id);
        Ok(())
    }

    /// Waits until every message is stored at the site, and judges from the ids alone.
    pub(crate) async fn arrived_once_in_order(&self, site: &Site) -> Result<()> {
        self.arrived(async || site.stored(&self.conversation).await)
            .await
    }

    /// As [`Talk::arrived_once_in_order`], as the gateway tells it over a session.
    pub(crate) async fn arrived_as_told_by(&self, session: &Session) -> Result<()> {
        self.arrived(async || {
            let params = json!({"sessionKey": self.conversation.0, "limit": HISTORY});
            ids_of(&session.call_raw("chat.history", params, STORED).await?)
        })
        .await
    }

    async fn arrived(&self, stored: impl AsyncFn() -> Result<Vec<String>>) -> Result<()> {
        let mut ids = Vec::new();
        until("every message in the history", STORED, async || {
            ids = stored().await?;
            Ok(Delivery::judge(&self.sent, &ids)
                .lost
                .is_empty()
                .then_some(()))
        })
        .await
        .with_context(|| format!("{:?}", Delivery::judge(&self.sent, &ids)))?;
        let judged = Delivery::judge(&self.sent, &ids);
        ensure!(judged.is_exact(), "{judged:?}");
        let misplaced = out_of_order(&self.sent, &ids);
        ensure!(misplaced.is_empty(), "out of order: {misplaced:?}");
        Ok(())
    }
}

/// The ids of the user's messages in a history, in its order.
fn ids_of(history: &Value) -> Result<Vec<String>> {
    let messages = history.get("messages").and_then(Value::as_array);
    let texts: Vec<String> = messages
        .context("no messages")?
        .iter()
        .filter(|message| message.get("role").and_then(Value::as_str) == Some("user"))
        // A string or a list of parts; ids have no character that JSON would change.
        .map(|message| message.get("content").unwrap_or(&Value::Null).to_string())
        .map(|text| text.replace(['"', '\\'], " "))
        .collect();
    Ok(ids_in(&texts))
}

/// Tells the figure of a row.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what these tests are read for"
)]
pub(crate) fn row(numbers: &str, figure: &str) {
    println!("row {numbers}: {figure}");
}

/// Several times of the same thing.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort();
    }

    pub(crate) fn since(&mut self, began: Instant, ended: Instant) {
        self.add(ended.saturating_duration_since(began));
    }

    /// The time that so many hundredths of all were not longer than.
    pub(crate) fn percentile(&self, hundredths: usize) -> Duration {
        let rank = (self.0.len() * hundredths).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn longest(&self) -> Duration {
        self.percentile(100)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_millis();
        write!(
            f,
            "p50 {} ms, p95 {} ms, max {} ms of {}",
            ms(self.percentile(50)),
            ms(self.percentile(95)),
            ms(self.longest()),
            self.0.len()
        )
    }
}
