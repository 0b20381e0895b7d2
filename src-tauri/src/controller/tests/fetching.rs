//! The gateway's secret is fetched: what a click leads to.

use super::fakes::Asked;
use super::*;
use crate::view_model::{FetchedKind, FetchedView};

fn fetched(port: u16) -> FetchedView {
    FetchedView {
        kind: FetchedKind::Token,
        found_at: Some("gateway.auth.token in openclaw.json".to_owned()),
        port,
    }
}

async fn saved() -> Fakes {
    let mut fakes = Fakes::start();
    let form = form();
    fakes
        .ask(|reply| Request::SaveSettings { form, reply })
        .await
        .unwrap();
    fakes.next_reconfigured().await;
    fakes.orders_so_far();
    fakes
}

/// Clicks, has the home server answer, and returns what the window is told.
async fn click(
    fakes: &mut Fakes,
    answer: Result<FetchedView, UiError>,
) -> Result<FetchedView, UiError> {
    let (reply, told) = oneshot::channel();
    fakes.tell(Request::FetchGatewaySecret { reply });
    let Asked::FetchSecret(done) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    done.send(answer).unwrap();
    told.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_fetched_is_connected_with_over_the_same_way() {
    let mut fakes = saved().await;
    let port = form().remote_port;

    let told = click(&mut fakes, Ok(fetched(port))).await;

    assert_eq!(told, Ok(fetched(port)));
    fakes
        .desktop
        .settings_where(|view| view.has_gateway_token)
        .await;
    assert_eq!(fakes.orders_so_far(), ["Connect"]);
}

#[tokio::test(start_paused = true)]
async fn another_port_is_written_down_and_used() {
    let mut fakes = saved().await;

    click(&mut fakes, Ok(fetched(18_855))).await.unwrap();

    assert_eq!(fakes.next_reconfigured().await.remote_port, 18_855);
    assert!(fakes.file().contains("18855"), "{}", fakes.file());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_found_is_told_and_nothing_else_happens() {
    let mut fakes = saved().await;
    let problem = UiError {
        code: "secretNotFound".to_owned(),
        message: "There is none.".to_owned(),
        action: None,
    };

    let told = click(&mut fakes, Err(problem.clone())).await;

    assert_eq!(told, Err(problem));
    assert!(fakes.orders_so_far().is_empty());
}
