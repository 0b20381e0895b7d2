//! What stands in the composer, for each conversation.

use super::KeptChats;
use crate::store::StoreError;
use rusqlite::params;

/// The composer's text for one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDraft {
    /// The gateway it is meant for.
    pub gateway: String,
    /// Its conversation.
    pub session_key: String,
    /// The text.
    pub text: String,
}

impl KeptChats {
    /// Keeps these texts; an empty one is forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then none of them is kept.
    pub async fn keep_drafts(&self, drafts: Vec<KeptDraft>) -> Result<(), StoreError> {
        self.database
            .write(move |database| {
                for draft in &drafts {
                    if draft.text.is_empty() {
                        database.execute(
                            "DELETE FROM draft WHERE gateway = ? AND session_key = ?",
                            params![draft.gateway, draft.session_key],
                        )?;
                    } else {
                        database.execute(
                            "INSERT OR REPLACE INTO draft VALUES (?, ?, ?)",
                            params![draft.gateway, draft.session_key, draft.text],
                        )?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Returns every text that is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn drafts(&self) -> Result<Vec<KeptDraft>, StoreError> {
        self.database
            .read(|database| {
                let mut statement =
                    database.prepare("SELECT gateway, session_key, text FROM draft")?;
                let rows = statement.query_map([], |row| {
                    Ok(KeptDraft {
                        gateway: row.get(0)?,
                        session_key: row.get(1)?,
                        text: row.get(2)?,
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}
