//! The same server for what is done on it beside the gateway: its files, a key of our own.
//!
//! The connection that stands is used where there is one; otherwise one is opened with what a person
//! has answered already. It asks nobody by itself: a question comes back as a failure.

use super::SshServer;
use crate::connection::access::GatewayAccess;
use crate::connection::listener_tunnel::ListenerTunnel;
use crate::connection::route::Failure;
use crate::connection::ssh_plan::SshPlan;
use crate::tunnel::{
    self, OwnKey, SignIn, SignInMemory, Tunnel, TunnelError, UnknownHostKey, WeakTunnel,
};
use std::sync::{PoisonError, Weak};

/// The connection that stands, without keeping it alive.
#[derive(Debug, Default)]
pub(super) struct Standing {
    tunnel: WeakTunnel,
    local: Weak<ListenerTunnel>,
}

impl Standing {
    pub(super) fn new(tunnel: &Tunnel, local: Weak<ListenerTunnel>) -> Self {
        Self {
            tunnel: tunnel.downgrade(),
            local,
        }
    }
}

impl SshServer {
    /// Returns the gateway's port on the server.
    pub fn gateway_port(&self) -> u16 {
        self.gateway_port
    }

    /// Returns what another connection may sign in with beside this one: what a person has answered so far,
    /// where that leads to the same server, and the keys and passphrases that are kept.
    pub async fn answered_so_far(
        &self,
        plan: &SshPlan,
        access: &dyn GatewayAccess,
    ) -> SignInMemory {
        let mut memory = match self.target() == plan.target().to_string() {
            true => self.memory.lock().await.for_another_connection(),
            false => SignInMemory::default(),
        };
        memory.forget_refusals();
        memory.set_own_key(access.own_key().await);
        if let Some((key_file, passphrase)) = access.passphrase().await {
            memory.remember_passphrase(&key_file, passphrase);
        }
        memory
    }

    /// Returns a connection to the server: the one that stands, else a new one.
    ///
    /// # Errors
    /// As an attempt to connect fails; with a question where a person has to answer one first, whose
    /// answer [`SshServer::take_answer`] takes.
    pub async fn reach(&self, access: &dyn GatewayAccess) -> Result<Tunnel, Failure> {
        let standing = self.standing().tunnel.get();
        if let Some(tunnel) = standing {
            return Ok(tunnel);
        }
        let mut config = self.config().await?;
        let mut memory = self.memory.lock().await;
        memory.set_own_key(access.own_key().await);
        self.recall_passphrase(&config, &mut memory, access).await;
        self.demand_what_is_trusted(&mut config);
        let opened = tunnel::open(&config, &mut memory, &mut |_| {}).await;
        let tunnel = opened.map_err(|error| self.note_what_is_asked(&error, &config))?;
        drop(memory);
        *self.standing() = Standing::new(&tunnel, Weak::new());
        self.after_signing_in(access).await;
        Ok(tunnel)
    }

    /// Proves that a key of our own signs in by itself, on a connection of its own.
    ///
    /// # Errors
    /// As any connection fails; [`TunnelError::AuthRefused`] or [`TunnelError::NeedsAnswer`] where the
    /// key is not enough.
    pub async fn prove(&self, key: &OwnKey) -> Result<(), TunnelError> {
        let mut config = match self.config().await {
            Ok(config) => config,
            // It was worked out a moment ago for the connection this is about.
            Err(failure) => {
                tracing::debug!(code = failure.problem.code, "the way is not known any more");
                return Err(tunnel::TargetError::EmptyHost.into());
            }
        };
        config.sign_in = SignIn::OwnKey;
        config.unknown_host_key = UnknownHostKey::Refuse;
        config.demanded_host_key = None;
        config.agent_socket = None;
        let mut memory = self.memory.lock().await.for_another_connection();
        memory.forget_password();
        memory.forget_refusals();
        memory.set_own_key(Some(key.clone()));
        let tunnel = tunnel::open(&config, &mut memory, &mut |_| {}).await?;
        tunnel.close().await;
        Ok(())
    }

    /// Signs in with this key from now on, and forgets the account's password.
    pub async fn use_own_key(&self, key: &OwnKey) {
        let forget = |memory: &mut SignInMemory| {
            memory.forget_password();
            memory.forget_refusals();
            memory.set_own_key(Some(key.clone()));
        };
        forget(&mut *self.memory.lock().await);
        let local = self.standing().local.upgrade();
        if let Some(local) = local {
            local.sign_in_again_with(forget).await;
        }
    }

    /// Signs in without a key of our own from now on.
    pub async fn forget_own_key(&self) {
        let forget = |memory: &mut SignInMemory| memory.set_own_key(None);
        forget(&mut *self.memory.lock().await);
        let local = self.standing().local.upgrade();
        if let Some(local) = local {
            local.sign_in_again_with(forget).await;
        }
    }

    pub(super) fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
