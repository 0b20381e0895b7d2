//! Files with a message: looked at before anything is handed on, kept until the gateway has them; and the messages
//! before those that are shown.

use super::{
    fakes::{Fakes, HOME},
    *,
};
use crate::view_model::{AttachmentView, ChatDraft, UnsentView};

fn draft(key: &str, media_type: &str, data: &str) -> ChatDraft {
    ChatDraft {
        gateway: HOME.to_owned(),
        session_key: "main".to_owned(),
        text: "see".to_owned(),
        key: key.to_owned(),
        attachments: vec![AttachmentView {
            name: "a".to_owned(),
            media_type: media_type.to_owned(),
            data: data.to_owned(),
        }],
    }
}

async fn sent(fakes: &mut Fakes, draft: ChatDraft) -> Result<(), UiError> {
    fakes.ask(|reply| Request::SendChat { draft, reply }).await
}

async fn unsent(fakes: &mut Fakes) -> UnsentView {
    let session_key = "main".to_owned();
    fakes
        .ask(|reply| Request::Unsent { session_key, reply })
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_would_not_take_is_said_and_not_handed_on() {
    let mut fakes = Fakes::start();
    let large = "A".repeat(8 * 1024 * 1024 + 1024);

    let codes = [
        sent(&mut fakes, draft("a", "image/svg+xml", "AAAA")).await,
        sent(&mut fakes, draft("b", "image/png", &large)).await,
        sent(&mut fakes, draft("c", "text/plain", "")).await,
    ]
    .map(|refused| refused.unwrap_err().code);

    assert_eq!(
        codes,
        [
            "attachmentUnsupported",
            "pictureTooLarge",
            "attachmentEmpty"
        ]
    );
    assert_eq!(unsent(&mut fakes).await.messages, []);
}

#[tokio::test(start_paused = true)]
async fn files_are_kept_for_a_later_window_and_handed_on_whole() {
    let mut fakes = Fakes::start();

    sent(&mut fakes, draft("a", "text/plain", "aGk="))
        .await
        .unwrap();

    assert_eq!(fakes.next_draft().await.attachments[0].data, "aGk=");
    assert_eq!(
        unsent(&mut fakes).await.messages[0].attachments[0].data,
        "aGk="
    );
}

#[tokio::test(start_paused = true)]
async fn the_messages_before_those_that_are_shown_are_asked_for_by_their_offset() {
    let mut fakes = Fakes::start();
    let page = |reply| Request::ChatEarlier {
        session_key: "main".to_owned(),
        offset: 200,
        reply,
    };
    let refused = fakes.ask(page).await.unwrap_err();
    assert_eq!(refused.code, "notConnected");

    let _gateway = fakes.session_is_up();
    let told = fakes.ask(page).await.unwrap();

    assert_eq!(
        (told.messages[0].text.as_str(), told.earlier),
        ("message 200", Some(201))
    );
}
