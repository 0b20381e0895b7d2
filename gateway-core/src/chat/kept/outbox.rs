//! Messages on their way, as they outlive the program.

use super::{KeptChats, attachments, empty_log};
use crate::chat::attachments::Attachments;
use crate::chat::outbox::{KeptLane, KeptMessage, KeptStage, Place};
use crate::protocol::{RunId, SessionKey};
use crate::store::StoreError;
use crate::store::database::Database;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Where one gateway's outbox is kept.
#[derive(Debug, Clone)]
pub struct KeptOutbox {
    database: Database,
    gateway: String,
}

/// A message its gateway is not known to have, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentMessage {
    /// The gateway it is meant for.
    pub gateway: String,
    /// Its conversation.
    pub session_key: String,
    /// Its key.
    pub key: String,
    /// Its text.
    pub text: String,
    /// Its files.
    pub files: Attachments,
    /// How it stands.
    pub state: UnsentState,
}

/// How a message stands that its gateway is not known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnsentState {
    /// It waits to be sent, or to be looked for.
    Waits,
    /// The gateway took it, and has not shown yet that it kept it.
    Taken,
    /// It was refused, and its user has not decided about it.
    Refused {
        /// Why, for people.
        problem: String,
    },
}

impl KeptOutbox {
    pub(super) fn new(database: Database, gateway: String) -> Self {
        Self { database, gateway }
    }

    /// Returns what there is to go on with.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn lanes(&self) -> Result<Vec<KeptLane>, StoreError> {
        let gateway = self.gateway.clone();
        self.database
            .read(move |database| read_lanes(database, &gateway))
            .await
    }

    /// Keeps these conversations as they are now, and those messages as refused; all or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then everything is as it was before.
    pub async fn keep(
        &self,
        changed: Vec<KeptLane>,
        refused: Vec<(RunId, String)>,
    ) -> Result<(), StoreError> {
        let gateway = self.gateway.clone();
        let lost_files = self
            .database
            .write(move |database| {
                let mut lost_files = false;
                for (key, problem) in &refused {
                    database
                        .prepare_cached(
                            "UPDATE message SET stage = 'refused', problem = ?3
                             WHERE gateway = ?1 AND key = ?2",
                        )?
                        .execute(params![gateway, key.as_str(), problem])?;
                }
                for lane in &changed {
                    lost_files |= write_lane(database, &gateway, lane)?;
                }
                Ok(lost_files)
            })
            .await?;
        // The bytes of files that went are still in the log, and make it large.
        if lost_files {
            empty_log(&self.database).await?;
        }
        Ok(())
    }
}

impl KeptChats {
    /// Returns every message that its gateway is not known to have, in the order they were handed in.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn unsent(&self) -> Result<Vec<UnsentMessage>, StoreError> {
        self.database
            .read(|database| {
                let mut statement = database.prepare(
                    "SELECT gateway, session_key, key, text, stage, problem FROM message
                     ORDER BY number",
                )?;
                let rows = statement.query_map([], |row| {
                    let stage: String = row.get(4)?;
                    let problem: Option<String> = row.get(5)?;
                    Ok(UnsentMessage {
                        gateway: row.get(0)?,
                        session_key: row.get(1)?,
                        key: row.get(2)?,
                        text: row.get(3)?,
                        files: Attachments::default(),
                        state: match (stage.as_str(), problem) {
                            ("refused", problem) => UnsentState::Refused {
                                problem: problem.unwrap_or_default(),
                            },
                            ("taken", _) => UnsentState::Taken,
                            _ => UnsentState::Waits,
                        },
                    })
                })?;
                let mut unsent: Vec<UnsentMessage> = rows.collect::<Result<_, _>>()?;
                for message in &mut unsent {
                    message.files = attachments::read(database, &message.gateway, &message.key)?;
                }
                Ok(unsent)
            })
            .await
    }

    /// Forgets a refused message: its user has decided about it. One on its way is its courier's alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn forget_refused(&self, gateway: &str, key: &str) -> Result<(), StoreError> {
        let (gateway, key) = (gateway.to_owned(), key.to_owned());
        let lost_files = self
            .database
            .write(move |database| {
                let with_files = attachments::any(database, &gateway, &key)?;
                let gone = database.execute(
                    "DELETE FROM message WHERE gateway = ? AND key = ? AND stage = 'refused'",
                    params![gateway, key],
                )?;
                Ok(with_files && gone > 0)
            })
            .await?;
        if lost_files {
            empty_log(&self.database).await?;
        }
        Ok(())
    }
}

/// The lanes that are being read, by conversation.
type Lanes = BTreeMap<String, KeptLane>;

fn lane_of<'a>(lanes: &'a mut Lanes, session_key: &str) -> &'a mut KeptLane {
    lanes
        .entry(session_key.to_owned())
        .or_insert_with(|| KeptLane {
            session_key: SessionKey::from(session_key),
            messages: Vec::new(),
            place: None,
            sent_since: Vec::new(),
        })
}

fn read_lanes(database: &Connection, gateway: &str) -> Result<Vec<KeptLane>, StoreError> {
    let mut lanes = Lanes::new();
    let mut messages = database.prepare(
        "SELECT session_key, key, text, stage FROM message
         WHERE gateway = ? AND stage <> 'refused' ORDER BY number",
    )?;
    let mut rows = messages.query(params![gateway])?;
    while let Some(row) = rows.next()? {
        let (session_key, key): (String, String) = (row.get(0)?, row.get(1)?);
        let message = KeptMessage {
            key: RunId::from(key.as_str()),
            text: row.get(2)?,
            files: attachments::read(database, gateway, &key)?,
            stage: match row.get::<_, String>(3)?.as_str() {
                "waiting" => KeptStage::Waiting,
                "taken" => KeptStage::Taken,
                _ => KeptStage::Sent,
            },
        };
        lane_of(&mut lanes, &session_key).messages.push(message);
    }
    let mut places =
        database.prepare("SELECT session_key, session_id, seq FROM place WHERE gateway = ?")?;
    let mut rows = places.query(params![gateway])?;
    while let Some(row) = rows.next()? {
        let session_key: String = row.get(0)?;
        lane_of(&mut lanes, &session_key).place = Some(Place {
            session_id: row.get(1)?,
            seq: row.get::<_, i64>(2)?.try_into().unwrap_or_default(),
        });
    }
    let mut sent = database.prepare(
        "SELECT session_key, key, text FROM sent_since WHERE gateway = ? ORDER BY position",
    )?;
    let mut rows = sent.query(params![gateway])?;
    while let Some(row) = rows.next()? {
        let (session_key, key): (String, String) = (row.get(0)?, row.get(1)?);
        let sent = (RunId::from(key.as_str()), row.get(2)?);
        lane_of(&mut lanes, &session_key).sent_since.push(sent);
    }
    Ok(lanes.into_values().collect())
}

/// Writes a conversation; returns whether files went with a message.
fn write_lane(database: &Connection, gateway: &str, lane: &KeptLane) -> Result<bool, StoreError> {
    let session_key = lane.session_key.as_str();
    let lost_files = write_messages(database, gateway, lane)?;
    let kept_place: Option<(Option<String>, i64)> = database
        .prepare_cached("SELECT session_id, seq FROM place WHERE gateway = ? AND session_key = ?")?
        .query_row(params![gateway, session_key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let place = lane.place.as_ref().map(|place| {
        let seq = i64::try_from(place.seq).unwrap_or(i64::MAX);
        (place.session_id.clone(), seq)
    });
    if place.is_none() && kept_place.is_none() {
        return Ok(lost_files);
    }
    // Only older gateways have a place, and what was sent since is a few rows.
    database
        .prepare_cached("DELETE FROM sent_since WHERE gateway = ? AND session_key = ?")?
        .execute(params![gateway, session_key])?;
    for (position, (key, text)) in lane.sent_since.iter().enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        database
            .prepare_cached("INSERT INTO sent_since VALUES (?, ?, ?, ?, ?)")?
            .execute(params![gateway, session_key, position, key.as_str(), text])?;
    }
    match place {
        None => database
            .prepare_cached("DELETE FROM place WHERE gateway = ? AND session_key = ?")?
            .execute(params![gateway, session_key])?,
        Some((session_id, seq)) => database
            .prepare_cached("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)")?
            .execute(params![gateway, session_key, session_id, seq])?,
    };
    Ok(lost_files)
}

fn write_messages(
    database: &Connection,
    gateway: &str,
    lane: &KeptLane,
) -> Result<bool, StoreError> {
    let session_key = lane.session_key.as_str();
    let mut known = BTreeMap::new();
    {
        let mut statement = database.prepare_cached(
            "SELECT key, stage FROM message
             WHERE gateway = ? AND session_key = ? AND stage <> 'refused'",
        )?;
        let mut rows = statement.query(params![gateway, session_key])?;
        while let Some(row) = rows.next()? {
            known.insert(row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        }
    }
    for message in &lane.messages {
        let stage = match message.stage {
            KeptStage::Waiting => "waiting",
            KeptStage::Sent => "sent",
            KeptStage::Taken => "taken",
        };
        let kept = known.remove(message.key.as_str());
        if kept.as_deref() == Some(stage) {
            continue;
        }
        if kept.is_none() {
            attachments::write(database, gateway, message.key.as_str(), &message.files)?;
        }
        database
            .prepare_cached(
                "INSERT INTO message (gateway, key, session_key, text, stage)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (gateway, key) DO UPDATE SET stage = ?5, problem = NULL",
            )?
            .execute(params![
                gateway,
                message.key.as_str(),
                session_key,
                message.text,
                stage
            ])?;
    }
    // What is left has arrived or was taken back.
    let mut lost_files = false;
    for key in known.keys() {
        lost_files |= attachments::any(database, gateway, key)?;
        database
            .prepare_cached("DELETE FROM message WHERE gateway = ? AND key = ?")?
            .execute(params![gateway, key])?;
    }
    Ok(lost_files)
}
