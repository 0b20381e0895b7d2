//! Commands a person has allowed an agent for good.

use super::{Store, StoreError};
use crate::protocol::id::AgentId;
use rusqlite::params;

/// A command that needs no further approval. All of it counts: another folder is another command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedCommand {
    /// Which agent may run it.
    pub agent_id: AgentId,
    /// A hash over the exact arguments, made by the caller.
    pub argv_hash: String,
    /// The folder it runs in.
    pub cwd: String,
}

impl Store {
    /// Allows a command for good; doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn allow_command(
        &self,
        command: AllowedCommand,
        at_ms: u64,
    ) -> Result<(), StoreError> {
        self.write(move |database| {
            database
                .prepare_cached(
                    "INSERT INTO exec_allow (agent_id, argv_hash, cwd, created_at_ms)
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    command.agent_id,
                    command.argv_hash,
                    command.cwd,
                    at_ms
                ])?;
            Ok(())
        })
        .await
    }

    /// Returns whether exactly this command was allowed for good.
    ///
    /// # Errors
    ///
    /// Fails when the database does; the command is then not allowed.
    pub async fn is_command_allowed(&self, command: AllowedCommand) -> Result<bool, StoreError> {
        self.read(move |database| {
            Ok(database
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM exec_allow
                     WHERE agent_id = ?1 AND argv_hash = ?2 AND cwd = ?3)",
                )?
                .query_row(
                    params![command.agent_id, command.argv_hash, command.cwd],
                    |row| row.get(0),
                )?)
        })
        .await
    }
}
