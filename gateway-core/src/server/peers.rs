//! Everybody who is connected, and how an event reaches those it is for.

use super::mailbox::{Announcement, Goodbye, Mailbox};
use crate::protocol::connect::{ClientInfo, Role, Scope};
use crate::protocol::{ConnId, DeviceId, SessionKey};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Who a connection belongs to and what it may do. Settled at hello.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// Our name for the connection.
    pub(super) conn_id: ConnId,
    /// Which program is calling.
    pub(super) client: ClientInfo,
    /// What the connection is for.
    pub(super) role: Role,
    /// What it may do: what was granted, not what was asked for.
    pub(super) scopes: Vec<Scope>,
    /// What it can handle beyond the basics.
    pub(super) caps: HashSet<String>,
    /// The device that proved itself, if any.
    pub(super) device: Option<DeviceId>,
    /// From where, for presence and pairing lists.
    pub(super) address: String,
    /// When it said hello, in milliseconds since 1970.
    pub(super) since_ms: u64,
}

impl Facts {
    /// Returns whether the connection holds this scope, by name or because another one implies it.
    pub(super) fn may(&self, scope: &Scope) -> bool {
        self.role == Role::Operator && self.scopes.iter().any(|held| held.implies(scope))
    }
}

/// One connection after hello.
#[derive(Debug)]
pub(super) struct Peer {
    /// Who it is.
    pub(super) facts: Facts,
    /// What waits to be sent to it.
    pub(super) mailbox: Mailbox,
    wants: Mutex<Wants>,
}

#[derive(Debug, Default)]
struct Wants {
    sessions: bool,
    messages_of: HashSet<SessionKey>,
}

impl Peer {
    /// Returns a peer with nothing to send yet.
    pub(super) fn new(facts: Facts) -> Self {
        Self {
            facts,
            mailbox: Mailbox::default(),
            wants: Mutex::default(),
        }
    }

    /// From now on the peer hears when the list of conversations changes.
    pub(super) fn watch_sessions(&self) {
        self.with_wants(|wants| wants.sessions = true);
    }

    /// From now on the peer hears of the stored messages of a conversation, or no longer.
    pub(super) fn watch_messages(&self, key: SessionKey, on: bool) {
        self.with_wants(|wants| {
            if on {
                wants.messages_of.insert(key);
            } else {
                wants.messages_of.remove(&key);
            }
        });
    }

    /// Returns whether the peer watches the list of conversations.
    pub(super) fn watches_sessions(&self) -> bool {
        self.with_wants(|wants| wants.sessions)
    }

    /// Returns whether the peer watches the messages of a conversation.
    pub(super) fn watches_messages(&self, key: &SessionKey) -> bool {
        self.with_wants(|wants| wants.messages_of.contains(key))
    }

    fn with_wants<T>(&self, look: impl FnOnce(&mut Wants) -> T) -> T {
        look(&mut self.wants.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Everybody who is connected.
#[derive(Debug, Default)]
pub(super) struct Peers {
    all: RwLock<HashMap<ConnId, Arc<Peer>>>,
}

impl Peers {
    /// Adds a peer; from here on it gets broadcasts.
    pub(super) fn add(&self, peer: Arc<Peer>) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(peer.facts.conn_id.clone(), peer);
    }

    /// Takes a peer out.
    pub(super) fn remove(&self, conn_id: &ConnId) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(conn_id);
    }

    /// Sends a counted event to everybody it is for.
    pub(super) fn broadcast(&self, announcement: &Announcement, to: impl Fn(&Peer) -> bool) {
        self.each(|peer| {
            if to(peer) {
                peer.mailbox.broadcast(announcement);
            }
        });
    }

    /// Sends an event that does not count to everybody it is for.
    pub(super) fn tell(&self, announcement: &Announcement, to: impl Fn(&Peer) -> bool) {
        self.each(|peer| {
            if to(peer) {
                peer.mailbox.tell(announcement);
            }
        });
    }

    /// Closes the connections this picks; returns how many.
    pub(super) fn close(&self, goodbye: &Goodbye, which: impl Fn(&Peer) -> bool) -> usize {
        let mut closed = 0;
        self.each(|peer| {
            if which(peer) {
                peer.mailbox.close(goodbye.clone());
                closed += 1;
            }
        });
        closed
    }

    /// Returns how many fit.
    pub(super) fn count(&self, which: impl Fn(&Peer) -> bool) -> usize {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.values().filter(|peer| which(peer)).count()
    }

    /// Returns whether anybody fits.
    pub(super) fn any(&self, which: impl Fn(&Peer) -> bool) -> bool {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.values().any(|peer| which(peer))
    }

    fn each(&self, mut visit: impl FnMut(&Peer)) {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.values().for_each(|peer| visit(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::Next;
    use super::*;
    use serde_json::json;

    fn peer(conn_id: &str, role: Role, scopes: &[Scope]) -> Arc<Peer> {
        Arc::new(Peer::new(Facts {
            conn_id: conn_id.into(),
            client: ClientInfo::default(),
            role,
            scopes: scopes.to_vec(),
            caps: HashSet::new(),
            device: None,
            address: "127.0.0.1".to_owned(),
            since_ms: 0,
        }))
    }

    #[test]
    fn an_event_reaches_those_it_is_for_and_numbers_count_per_connection() {
        let peers = Peers::default();
        let reader = peer("a", Role::Operator, &[Scope::Read]);
        let blind = peer("b", Role::Operator, &[]);
        peers.add(reader.clone());
        peers.add(blind.clone());

        let event = Announcement::new("chat", &json!({}));
        peers.broadcast(&event, |peer| peer.facts.may(&Scope::Read));
        peers.broadcast(&event, |_| true);

        let seq = |peer: &Peer| match peer.mailbox.next() {
            Next::Frame(frame) => {
                serde_json::from_str::<serde_json::Value>(&frame).unwrap()["seq"].clone()
            }
            other @ (Next::Ping(_) | Next::Close(_) | Next::Idle) => panic!("{other:?}"),
        };
        assert_eq!(seq(&reader), 1);
        assert_eq!(seq(&reader), 2);
        assert_eq!(seq(&blind), 1);
    }

    #[test]
    fn a_node_holds_no_operator_scope_whatever_it_lists() {
        let node = peer("n", Role::Node, &[Scope::Admin]);
        assert!(!node.facts.may(&Scope::Read));
    }

    #[test]
    fn who_has_left_is_not_written_to() {
        let peers = Peers::default();
        let gone = peer("a", Role::Operator, &[]);
        peers.add(gone.clone());
        peers.remove(&gone.facts.conn_id);

        peers.broadcast(&Announcement::new("tick", &json!({})), |_| true);

        assert_eq!(gone.mailbox.next(), Next::Idle);
        assert!(!peers.any(|_| true));
    }
}
