//! A gateway that is reached by its URL: what the form takes, and what a trusted certificate leaves.

use super::*;

fn direct(url: &str, fingerprint: &str) -> SettingsForm {
    SettingsForm {
        transport: Transport::Direct,
        url: url.to_owned(),
        tls_fingerprint: fingerprint.to_owned(),
        // Nothing of SSH is looked at.
        address: String::new(),
        sign_in: SignInChoice::KeyFile,
        ..form()
    }
}

async fn save(fakes: &mut Fakes, form: SettingsForm) -> Result<(), Vec<FieldError>> {
    fakes
        .ask(|reply| Request::SaveSettings { form, reply })
        .await
}

#[tokio::test(start_paused = true)]
async fn a_url_out_of_a_browser_is_saved_as_it_is_dialled() {
    let mut fakes = Fakes::start();
    let colons = ["aB"; 32].join(":");

    let saved = save(&mut fakes, direct(" https://Box.example/claw ", &colons)).await;

    assert_eq!(saved, Ok(()));
    let profile = fakes.next_reconfigured().await;
    assert!(profile.is_direct());
    assert_eq!(profile.url, "wss://box.example:443/claw");
    assert_eq!(
        profile.tls_fingerprint,
        format!("SHA256:{}", "AB".repeat(32))
    );
    let view = fakes
        .desktop
        .settings_where(|view| !view.url.is_empty())
        .await;
    assert_eq!((view.transport, view.url), (Transport::Direct, profile.url));
    let shown = fakes
        .desktop
        .connection_where(|view| !view.server_name.is_empty())
        .await;
    assert_eq!(shown.server_name, "box.example");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_protect_anybody_is_not_saved() {
    let pin = "ab".repeat(32);
    for (form, field) in [
        (direct("", ""), "url"),
        (direct("me@box", ""), "url"),
        (direct("ws://203.0.113.5", ""), "url"),
        (direct("wss://box.example/?token=canary", ""), "url"),
        (direct("wss://box.example", "abcd"), "tlsFingerprint"),
        (direct("ws://10.0.0.1", &pin), "tlsFingerprint"),
    ] {
        let mut fakes = Fakes::start();

        let refused = save(&mut fakes, form).await.unwrap_err();

        let fields: Vec<&str> = refused.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, [field], "{refused:?}");
        assert!(!refused[0].message.contains("canary"), "{refused:?}");
        assert_eq!(fakes.file(), FIRST_START);
    }
}

#[tokio::test(start_paused = true)]
async fn a_trusted_certificate_is_written_down_and_a_refused_answer_is_not() {
    let mut fakes = Fakes::start();
    save(&mut fakes, direct("wss://box.example", ""))
        .await
        .unwrap();
    fakes.next_reconfigured().await;
    let fingerprint = format!("SHA256:{}", "0A".repeat(32));
    fakes.connection_is(Snapshot {
        phase: Phase::HostKey,
        cause: Some(Cause::TlsPin),
        question: Some(Asked {
            id: 4,
            question: Question::CertificateUnknown {
                host: "box.example".to_owned(),
                port: 443,
                fingerprint: fingerprint.clone(),
            },
        }),
        ..Snapshot::off("wss://box.example:443".to_owned())
    });
    let shown = fakes
        .desktop
        .connection_where(|view| view.question.is_some())
        .await;
    let Some(QuestionView::CertificateUnknown { id, .. }) = shown.question else {
        panic!("another question");
    };

    fakes.tell(Request::TrustHostKey { id: id.clone() });
    let refusal = Problem::without_action("questionGone", "It has gone.");
    fakes.next_answer(4).await.send(Err(refusal)).unwrap();
    fakes
        .desktop
        .connection_where(|view| view.problem.is_some())
        .await;
    assert!(!fakes.file().contains(&fingerprint));

    fakes.tell(Request::TrustHostKey { id });
    fakes.next_answer(4).await.send(Ok(())).unwrap();
    let view = fakes
        .desktop
        .settings_where(|view| !view.tls_fingerprint.is_empty())
        .await;
    assert_eq!(view.tls_fingerprint, fingerprint);
    assert!(fakes.file().contains(&fingerprint));
    // The connection knows it already: writing it down starts nothing anew.
    let orders = fakes.orders_so_far();
    assert!(
        !orders.iter().any(|order| order.contains("Reconfigure")),
        "{orders:?}"
    );
}
