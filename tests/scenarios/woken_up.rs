//! The desktop's session says that the computer woke up, and the app hears of it.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use e2e::app::AppUser;
use e2e::desktop::DesktopParts;
use e2e::wait::until;

/// From the start of the program to its ear at the bus.
const STARTED: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_app_hears_of_it_from_the_login_session() -> Result<()> {
    let user = AppUser::new(DesktopParts {
        keychain: false,
        tray_host: false,
    })
    .await?;
    let session = user.desktop().login_session().await?;
    let app = user.launch()?;
    let logs = user.home().data_home().join("openclaw-tray/logs");

    until("the app's log tells of the waking", STARTED, async || {
        session.sleeps_and_wakes().await?;
        let files = fs::read_dir(&logs).into_iter().flatten().flatten();
        let told = files
            .filter_map(|file| fs::read_to_string(file.path()).ok())
            .any(|log| log.contains("the login session says that the computer woke up"));
        Ok(told.then_some(()))
    })
    .await?;
    drop(app);
    Ok(())
}
