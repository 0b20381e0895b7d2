//! What is kept, over real files: what comes back after a kill, what is bounded and what is gone.

use super::*;
use crate::chat::attachments::{Attachment, Attachments};
use crate::chat::courier::Courier;
use crate::chat::outbox::{KeptLane, KeptMessage, KeptStage, Place};
use crate::protocol::{RunId, SessionKey};
use std::fs;
use std::time::Duration;

const HOME: &str = "home";
const OFFICE: &str = "office";

fn message(key: &str, stage: KeptStage) -> KeptMessage {
    KeptMessage {
        key: RunId::from(key),
        text: format!("text of {key}"),
        files: Attachments::default(),
        stage,
    }
}

fn lane(messages: &[(&str, KeptStage)]) -> KeptLane {
    let messages = messages.iter().map(|(key, stage)| message(key, *stage));
    KeptLane {
        session_key: SessionKey::from("main"),
        messages: messages.collect(),
        place: None,
        sent_since: Vec::new(),
    }
}

fn transcript(bytes: usize, as_of_ms: u64) -> KeptTranscript {
    KeptTranscript {
        history: "x".repeat(bytes),
        as_of_ms,
    }
}

async fn keys(chats: &KeptChats) -> Vec<(String, UnsentState)> {
    let unsent = chats.unsent().await.unwrap();
    unsent.into_iter().map(|m| (m.key, m.state)).collect()
}

#[tokio::test]
async fn messages_on_their_way_are_there_again_in_their_order_and_their_stage() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    let older = KeptLane {
        session_key: SessionKey::from("older"),
        messages: vec![message("z", KeptStage::Sent)],
        place: Some(Place {
            session_id: Some("s".to_owned()),
            seq: 7,
        }),
        sent_since: vec![
            (RunId::from("y"), "yes".to_owned()),
            (RunId::from("z"), "yes".to_owned()),
        ],
    };
    let taken = lane(&[
        ("c", KeptStage::Taken),
        ("a", KeptStage::Sent),
        ("b", KeptStage::Waiting),
    ]);
    let outbox = chats.outbox(HOME);
    outbox
        .keep(vec![taken.clone(), older.clone()], Vec::new())
        .await
        .unwrap();
    // Nobody closes anything when a program is killed; the lock goes with the process.
    chats.close().await;

    let chats = KeptChats::open(scratch.path()).await.unwrap();

    assert_eq!(chats.outbox(HOME).lanes().await.unwrap(), [taken, older]);
    assert_eq!(chats.outbox(OFFICE).lanes().await.unwrap(), []);
}

#[tokio::test]
async fn what_arrived_is_gone_and_what_was_refused_waits_for_its_user() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    let outbox = chats.outbox(HOME);
    let all = lane(&[
        ("a", KeptStage::Sent),
        ("b", KeptStage::Waiting),
        ("c", KeptStage::Waiting),
    ]);
    outbox.keep(vec![all], Vec::new()).await.unwrap();

    let refused = vec![(RunId::from("b"), "the disk is full".to_owned())];
    let left = lane(&[("c", KeptStage::Sent)]);
    outbox.keep(vec![left.clone()], refused).await.unwrap();

    let problem = "the disk is full".to_owned();
    let told = [
        ("b".to_owned(), UnsentState::Refused { problem }),
        ("c".to_owned(), UnsentState::Waits),
    ];
    assert_eq!(keys(&chats).await, told);
    assert_eq!(outbox.lanes().await.unwrap(), [left]);

    // A message on its way is not its user's to forget behind the courier's back.
    chats.forget_refused(HOME, "c").await.unwrap();
    chats.forget_refused(HOME, "b").await.unwrap();
    assert_eq!(keys(&chats).await, told[1..]);
}

#[tokio::test]
async fn the_oldest_transcripts_go_when_there_is_no_more_room() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    for (session, as_of) in [("one", 1), ("two", 2), ("three", 3)] {
        chats
            .keep_transcript(HOME, session, transcript(400, as_of), 1_000)
            .await
            .unwrap();
    }

    assert_eq!(chats.transcript(HOME, "one").await.unwrap(), None);
    let kept = chats.transcript(HOME, "three").await.unwrap();
    assert_eq!(kept, Some(transcript(400, 3)));
    assert_eq!(chats.transcript_bytes().await.unwrap(), 800);
    assert_eq!(chats.transcript(OFFICE, "three").await.unwrap(), None);
}

#[tokio::test]
async fn an_empty_draft_is_no_draft() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    let draft = |text: &str| KeptDraft {
        gateway: HOME.to_owned(),
        session_key: "main".to_owned(),
        text: text.to_owned(),
    };
    chats
        .keep_drafts(vec![draft("Dear"), draft("Dear all")])
        .await
        .unwrap();
    assert_eq!(chats.drafts().await.unwrap(), [draft("Dear all")]);

    chats.keep_drafts(vec![draft("")]).await.unwrap();
    assert_eq!(chats.drafts().await.unwrap(), []);
}

#[tokio::test]
async fn a_gateway_that_is_forgotten_leaves_no_word_in_the_files() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    for gateway in [HOME, OFFICE] {
        let said = KeptMessage {
            text: format!("canary-message-{gateway}"),
            ..message("a", KeptStage::Waiting)
        };
        let lane = KeptLane {
            messages: vec![said],
            ..lane(&[])
        };
        chats
            .outbox(gateway)
            .keep(vec![lane], Vec::new())
            .await
            .unwrap();
        let draft = KeptDraft {
            gateway: gateway.to_owned(),
            session_key: "main".to_owned(),
            text: format!("canary-draft-{gateway}"),
        };
        chats.keep_drafts(vec![draft]).await.unwrap();
        // Long enough for pages of its own.
        let transcript = KeptTranscript {
            history: format!("canary-history-{gateway} ").repeat(1_000),
            as_of_ms: 1,
        };
        chats
            .keep_transcript(gateway, "main", transcript, MOST_BYTES)
            .await
            .unwrap();
    }

    chats.forget_gateway(HOME).await.unwrap();

    let holds = |word: &str| {
        fs::read_dir(scratch.path()).unwrap().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        })
    };
    for kind in ["message", "draft", "history"] {
        assert!(!holds(&format!("canary-{kind}-{HOME}")), "{kind}");
        assert!(holds(&format!("canary-{kind}-{OFFICE}")), "{kind}");
    }

    chats.forget_transcripts().await.unwrap();
    assert!(!holds(&format!("canary-history-{OFFICE}")));
    assert!(holds(&format!("canary-message-{OFFICE}")));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    chats.keep_drafts(Vec::new()).await.unwrap();

    for file in fs::read_dir(scratch.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_disk_refuses_is_kept_once_it_takes_it_though_nothing_else_changes() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    let (courier, _news) = Courier::resume(chats.outbox(HOME), Vec::new());
    let refuses = async |refuses: bool| {
        let set = chats
            .database
            .read(move |database| Ok(database.pragma_update(None, "query_only", refuses)?));
        set.await.unwrap();
    };
    refuses(true).await;
    courier
        .send("a".into(), "main".into(), "text of a".to_owned())
        .await
        .unwrap();
    assert_eq!(keys(&chats).await, [], "the disk took it");

    refuses(false).await;
    // Longer than the pause between two attempts.
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!(
        keys(&chats).await,
        [("a".to_owned(), UnsentState::Waits)],
        "it was never tried again"
    );
}

#[tokio::test]
async fn files_are_there_again_with_their_message_and_leave_no_byte_when_it_is_taken_back() {
    let scratch = tempfile::tempdir().unwrap();
    let chats = KeptChats::open(scratch.path()).await.unwrap();
    let files: Attachments = [Attachment {
        name: "notes.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        data: "Y2FuYXJ5LWluLWEtZmlsZQ==".to_owned(),
    }]
    .into();
    let with_files = KeptMessage {
        files: files.clone(),
        ..message("a", KeptStage::Waiting)
    };
    let outbox = chats.outbox(HOME);
    let mut kept = KeptLane {
        messages: vec![with_files],
        ..lane(&[])
    };
    outbox.keep(vec![kept.clone()], Vec::new()).await.unwrap();

    kept.messages[0].stage = KeptStage::Sent;
    outbox.keep(vec![kept], Vec::new()).await.unwrap();
    let again = outbox.lanes().await.unwrap();
    assert_eq!(again[0].messages[0].files, files);
    assert_eq!(chats.unsent().await.unwrap()[0].files, files);
    assert!(bytes_in(scratch.path(), "Y2FuYXJ5LWluLWEtZmlsZQ=="));

    outbox.keep(vec![lane(&[])], Vec::new()).await.unwrap();
    assert_eq!(chats.unsent().await.unwrap(), []);
    assert!(!bytes_in(scratch.path(), "Y2FuYXJ5LWluLWEtZmlsZQ=="));
}

/// Whether a text is in any file of the folder.
fn bytes_in(folder: &Path, text: &str) -> bool {
    let mut files = fs::read_dir(folder).unwrap().flatten();
    files.any(|file| {
        let bytes = fs::read(file.path()).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}
