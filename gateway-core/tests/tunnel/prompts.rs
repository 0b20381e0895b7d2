//! Questions of the server's own: rounds of prompts, codes that are good once, second factors.

use crate::prompting_server::{PromptingServer, Round};
use crate::support::{Home, dial};
use gateway_core::credentials::secret::{AccountPassword, PromptAnswer};
use gateway_core::tunnel::{Prompt, Question, SignIn, SignInMemory, TunnelConfig, TunnelError};

fn code_round() -> Round {
    Round {
        title: "Second factor",
        instruction: "Look at\u{7} your token",
        prompts: vec![("Code: ", true), ("PIN: ", false)],
        right: vec!["123456", "0000"],
    }
}

fn password_round() -> Round {
    Round {
        title: "",
        instruction: "",
        prompts: vec![("Password: ", false)],
        right: vec!["correct horse"],
    }
}

fn telling_round() -> Round {
    Round {
        title: "Welcome",
        instruction: "Be nice",
        prompts: Vec::new(),
        right: Vec::new(),
    }
}

fn answers(texts: [&str; 2]) -> Vec<PromptAnswer> {
    texts.map(PromptAnswer::new).to_vec()
}

fn config(home: &Home, server: &PromptingServer) -> TunnelConfig {
    std::fs::write(home.path("known_hosts"), server.known_hosts_line()).unwrap();
    home.config(server.port, None)
}

async fn question(config: &TunnelConfig, memory: &mut SignInMemory) -> Question {
    match dial(config, memory).await {
        Err(TunnelError::NeedsAnswer(question)) => question,
        other => panic!("{other:?}"),
    }
}

fn prompts_of(question: Question) -> Vec<Prompt> {
    match question {
        Question::Prompts { prompts, .. } => prompts,
        Question::Passphrase { .. } | Question::Password { .. } => panic!("{question:?}"),
    }
}

#[tokio::test]
async fn the_server_s_questions_come_back_as_they_were_asked_but_for_control_characters() {
    let server = PromptingServer::start(false, vec![code_round()]).await;
    let home = Home::new();

    let question = question(&config(&home, &server), &mut SignInMemory::default()).await;

    assert_eq!(
        question,
        Question::Prompts {
            title: "Second factor".to_owned(),
            instruction: "Look at your token".to_owned(),
            prompts: vec![
                Prompt {
                    label: "Code:".to_owned(),
                    echo: true
                },
                Prompt {
                    label: "PIN:".to_owned(),
                    echo: false
                },
            ],
            was_wrong: false,
        }
    );
    assert_eq!(server.answered.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn answers_serve_one_sign_in_and_a_reconnect_asks_again() {
    let server = PromptingServer::start(false, vec![code_round()]).await;
    let home = Home::new();
    let config = config(&home, &server);
    let mut memory = SignInMemory::default();
    let prompts = prompts_of(question(&config, &mut memory).await);

    memory.remember_answers(prompts.clone(), answers(["123456", "0000"]));
    dial(&config, &mut memory).await.unwrap().close().await;

    assert_eq!(prompts_of(question(&config, &mut memory).await), prompts);
    assert_eq!(*server.answered.lock().unwrap(), [["123456", "0000"]]);
}

#[tokio::test]
async fn wrong_answers_are_sent_once_and_asked_for_again() {
    let server = PromptingServer::start(false, vec![code_round()]).await;
    let home = Home::new();
    let config = config(&home, &server);
    let mut memory = SignInMemory::default();
    let prompts = prompts_of(question(&config, &mut memory).await);

    memory.remember_answers(prompts, answers(["654321", "0000"]));
    for _ in 0..3 {
        let Question::Prompts { was_wrong, .. } = question(&config, &mut memory).await else {
            panic!()
        };
        assert!(was_wrong);
    }

    assert_eq!(server.answered.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn several_rounds_are_asked_one_after_another_and_replayed_together() {
    // A round that only tells something gets its empty answer by itself.
    let server = PromptingServer::start(
        false,
        vec![
            telling_round(),
            password_round(),
            telling_round(),
            code_round(),
        ],
    )
    .await;
    let home = Home::new();
    let config = config(&home, &server);
    let mut memory = SignInMemory::default();

    assert!(matches!(
        question(&config, &mut memory).await,
        Question::Password {
            was_wrong: false,
            ..
        }
    ));
    memory.remember_password(AccountPassword::new("correct horse"));
    let prompts = prompts_of(question(&config, &mut memory).await);
    memory.remember_answers(prompts, answers(["123456", "0000"]));
    dial(&config, &mut memory).await.unwrap().close().await;
}

#[tokio::test]
async fn answers_to_other_questions_are_not_given() {
    let server = PromptingServer::start(false, vec![code_round()]).await;
    let home = Home::new();
    let config = config(&home, &server);
    let mut memory = SignInMemory::default();
    let other = vec![
        Prompt {
            label: "Code:".to_owned(),
            echo: true,
        },
        Prompt {
            label: "Your bank's PIN:".to_owned(),
            echo: false,
        },
    ];

    memory.remember_answers(other, answers(["123456", "0000"]));

    assert_eq!(prompts_of(question(&config, &mut memory).await).len(), 2);
    assert_eq!(server.answered.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_key_and_a_code_work_together_even_when_only_the_key_was_chosen() {
    let server = PromptingServer::start(true, vec![code_round()]).await;
    let home = Home::new();
    let config = TunnelConfig {
        sign_in: SignIn::KeyFile(home.key("id", "")),
        ..config(&home, &server)
    };
    let mut memory = SignInMemory::default();

    let prompts = prompts_of(question(&config, &mut memory).await);
    memory.remember_answers(prompts, answers(["123456", "0000"]));
    dial(&config, &mut memory).await.unwrap().close().await;

    // After a drop the code is spent: a person is needed, and nothing loops.
    assert!(matches!(
        question(&config, &mut memory).await,
        Question::Prompts {
            was_wrong: false,
            ..
        }
    ));
}

#[tokio::test]
async fn every_channel_that_a_server_opens_towards_us_is_refused() {
    let server = PromptingServer::start(false, vec![telling_round()]).await;
    let home = Home::new();

    let tunnel = dial(&config(&home, &server), &mut SignInMemory::default())
        .await
        .unwrap();

    let started = std::time::Instant::now();
    while server.intrusions.lock().unwrap().is_empty() {
        assert!(started.elapsed() < crate::support::PATIENCE);
        tunnel.ping().await.unwrap();
    }
    let intrusions = server.intrusions.lock().unwrap().clone();
    assert_eq!(
        intrusions,
        vec!["Err(ChannelOpenFailure(AdministrativelyProhibited))"; 7]
    );
    tunnel.close().await;
}
