//! Somebody speaks: a synthesiser into a virtual microphone, our own capture, a trigger, the words after
//! it, and one message at the real gateway through the real tunnel. Synthesised speech in a silent room
//! says nothing of real people; it shows that all the parts hold together.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, Connecting};
use e2e::gateway::witness::Witness;
use e2e::gateway::{Release, main_conversation};
use e2e::home_server::{HomeServer, trust};
use e2e::microphone::VirtualMicrophone;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);

/// What `openclaw connect --voice --json` tells of voice, read forward only.
struct Told<'a> {
    connecting: &'a Connecting,
    read: usize,
}

impl Told<'_> {
    /// Waits for the next line with this word.
    async fn next(&mut self, word: &str) -> Result<Value> {
        let from = self.read;
        let (at, line) = self
            .connecting
            .process()
            .says(&format!("voice {word}"), SOON, |told| {
                let lines: Vec<Value> = told
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok())
                    .collect();
                let mut later = lines.into_iter().enumerate().skip(from);
                later.find(|(_, line)| line["voice"] == word)
            })
            .await?;
        self.read = at + 1;
        Ok(line)
    }
}

/// What the gateway was told by voice in its main conversation.
async fn spoken_to(home: &HomeServer) -> Result<Vec<String>> {
    let texts = home.gateway.user_texts("agent:main:main").await?;
    let spoken = texts.into_iter();
    Ok(spoken
        .filter(|text| text.contains("User talked via voice recognition"))
        .collect())
}

fn message(words: &str) -> Result<String> {
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_str()?.to_owned();
    Ok(format!(
        "User talked via voice recognition on {machine} - repeat prompt first + remember some words might be incorrectly transcribed.\n\n{words}"
    ))
}

fn count(texts: &[String], message: &str) -> usize {
    // A gateway may put its own note of the time before what was sent.
    texts.iter().filter(|text| text.ends_with(message)).count()
}

/// Has the gateway listen for these triggers, as somebody else's program would.
async fn listen_for(home: &HomeServer, triggers: &[&str]) -> Result<()> {
    let mut witness = Witness::connect(&home.gateway).await?;
    let triggers = json!({"triggers": triggers});
    witness.call("voicewake.set", triggers).await.map(drop)
}

/// Waits until the gateway has stored a message (it accepts a run before it does), once, and returns all
/// that it was told by voice.
async fn arrives_once(home: &HomeServer, message: &str) -> Result<Vec<String>> {
    until("the message", SOON, async || {
        let texts = spoken_to(home).await?;
        Ok((count(&texts, message) > 0).then_some(()))
    })
    .await?;
    let texts = spoken_to(home).await?;
    ensure!(count(&texts, message) == 1, "{texts:?}");
    Ok(texts)
}

#[tokio::test]
async fn what_is_said_after_a_trigger_arrives_once_whatever_changes_meanwhile() -> Result<()> {
    let _alone = main_conversation().await;
    let mut home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let microphone = VirtualMicrophone::start(user.home()).await?;
    listen_for(&home, &["hey openclaw"]).await?;
    let before = spoken_to(&home).await?.len();

    let flags = home.flags()?;
    let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
    args.push("--voice");
    let mut connecting = user.connect(&args)?;
    connecting.reaches("up", SOON).await?;
    let mut told = Told {
        connecting: &connecting,
        read: 0,
    };
    let words = told.next("triggers").await?;
    ensure!(words["triggers"] == json!(["hey openclaw"]), "{words}");
    told.next("listening")
        .await
        .with_context(|| microphone.log())?;

    // A trigger and a command.
    microphone
        .say(&["hey open claw", "what is the weather today"])
        .await?;
    let sent = told.next("sent").await?;
    // A conversation that does not exist yet goes by the name every gateway understands.
    let main = [json!("main"), json!("agent:main:main")];
    ensure!(main.contains(&sent["sessionKey"]), "{sent}");
    arrives_once(&home, &message("what is the weather today")?).await?;
    told.next("listening").await?;

    // The gateway listens for something else from now on, and so does the program, without a restart.
    listen_for(&home, &["hey computer"]).await?;
    told.next("triggers").await?;
    microphone
        .say(&["hey open claw", "please close the door"])
        .await?;
    microphone.say(&["hey computer", "what time is it"]).await?;
    told.next("sent").await?;
    let texts = arrives_once(&home, &message("what time is it")?).await?;
    ensure!(texts.len() == before + 2, "{texts:?}");
    told.next("listening").await?;

    // The server goes away between the trigger and the end of the command.
    let speaking = microphone.say(&["hey computer", "turn on the light"]);
    let cut = async {
        told.next("capturing").await?;
        home.ssh.stop();
        told.next("waiting").await
    };
    let (said, waiting) = tokio::join!(speaking, cut);
    said?;
    ensure!(waiting?["about"] == "turn on the light");
    home.ssh.start_again().await?;
    told.next("sent").await?;
    let texts = arrives_once(&home, &message("turn on the light")?).await?;
    ensure!(texts.len() == before + 3, "{texts:?}");

    // Whoever comes next to this gateway finds its own words.
    listen_for(&home, &[]).await?;
    ensure!(connecting.interrupt(Duration::from_secs(3)).await?.code() == Some(0));
    Ok(())
}
