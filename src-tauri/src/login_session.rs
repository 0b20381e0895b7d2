//! What the login session knows of the computer's sleep, sooner than a clock can tell.
//!
//! On Linux `logind` says on the system bus when the computer goes to sleep and when it is back.
//! Elsewhere, and without that bus, the core's own clock notices it within seconds.

use gateway_core::connection::computer::Hint;
use tokio::sync::mpsc;

/// Hands in a hint after each sleep; ends when there is nobody to hear of it, or nobody to tell.
#[cfg(target_os = "linux")]
pub(crate) async fn tell_of_sleep(teller: mpsc::Sender<Hint>) {
    if let Err(problem) = logind::follow(&teller).await {
        tracing::info!(%problem, "the login session tells nothing of sleep");
    }
}

/// Returns at once: here the clock alone tells of sleep.
#[cfg(not(target_os = "linux"))]
pub(crate) fn tell_of_sleep(_: mpsc::Sender<Hint>) -> std::future::Ready<()> {
    std::future::ready(())
}

#[cfg(target_os = "linux")]
mod logind {
    use super::Hint;
    use futures_util::StreamExt as _;
    use tokio::sync::mpsc;
    use zbus::{Connection, MatchRule, MessageStream, message};

    /// The names are those of org.freedesktop.login1(5).
    const SERVICE: &str = "org.freedesktop.login1";
    const MANAGER: &str = "org.freedesktop.login1.Manager";
    const SIGNAL: &str = "PrepareForSleep";

    pub(super) async fn follow(teller: &mpsc::Sender<Hint>) -> zbus::Result<()> {
        let bus = Connection::system().await?;
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender(SERVICE)?
            .interface(MANAGER)?
            .member(SIGNAL)?
            .build();
        let mut signals = MessageStream::for_match_rule(rule, &bus, None).await?;
        while let Some(signal) = signals.next().await {
            // True before the sleep, false after it.
            let goes_to_sleep: bool = signal?.body().deserialize()?;
            if goes_to_sleep {
                continue;
            }
            tracing::info!("the login session says that the computer woke up");
            if teller.send(Hint::Woke).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}
