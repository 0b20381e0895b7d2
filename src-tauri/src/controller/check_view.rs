//! A check as it goes along, as the window shows it.

use super::ports::CheckNews;
use crate::view_model::{CheckStatus, CheckStepView, CheckView};

/// Returns the view of a check that has just begun.
pub(super) fn started() -> CheckView {
    CheckView {
        running: true,
        ..CheckView::not_run()
    }
}

/// Marks a check as stopped by the user: what was not done was not reached.
pub(super) fn cancelled(view: &mut CheckView) {
    view.running = false;
    for step in &mut view.steps {
        if matches!(step.status, CheckStatus::Pending | CheckStatus::Running) {
            *step = CheckStepView {
                status: CheckStatus::NotReached,
                ..CheckStepView::pending(step.id)
            };
        }
    }
}

/// Takes news of the run, `None` when it went away; returns whether it goes on.
pub(super) fn take(view: &mut CheckView, news: Option<CheckNews>, now_ms: f64) -> bool {
    match news {
        Some(CheckNews::Step(step)) => {
            if let Some(shown) = view.steps.iter_mut().find(|shown| shown.id == step.id) {
                *shown = step;
            }
            true
        }
        // It is no part of what is shown.
        Some(CheckNews::PairingRequired(_)) => true,
        Some(CheckNews::Finished { ok }) => {
            view.running = false;
            view.ok = Some(ok);
            view.finished_at_ms = Some(now_ms);
            false
        }
        None => {
            cancelled(view);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view_model::CheckStepId;

    fn step(id: CheckStepId, status: CheckStatus) -> Option<CheckNews> {
        Some(CheckNews::Step(CheckStepView {
            status,
            ms: Some(1.0),
            ..CheckStepView::pending(id)
        }))
    }

    #[test]
    fn steps_fill_in_as_they_come_and_the_end_says_how_it_went() {
        let mut view = started();

        assert!(take(
            &mut view,
            step(CheckStepId::Address, CheckStatus::Ok),
            0.0
        ));
        assert!(take(
            &mut view,
            step(CheckStepId::Resolve, CheckStatus::Failed),
            0.0
        ));
        assert!(!take(
            &mut view,
            Some(CheckNews::Finished { ok: false }),
            5.0
        ));

        assert_eq!(view.steps[0].status, CheckStatus::Ok);
        assert_eq!(view.steps[1].status, CheckStatus::Failed);
        assert_eq!(
            (view.running, view.ok, view.finished_at_ms),
            (false, Some(false), Some(5.0))
        );
    }

    #[test]
    fn a_cancelled_check_says_which_steps_were_not_reached_and_keeps_no_verdict() {
        let mut view = started();
        take(&mut view, step(CheckStepId::Address, CheckStatus::Ok), 0.0);
        take(
            &mut view,
            step(CheckStepId::Resolve, CheckStatus::Running),
            0.0,
        );

        cancelled(&mut view);

        assert_eq!(view.steps[0].status, CheckStatus::Ok);
        assert_eq!(view.steps[1].status, CheckStatus::NotReached);
        assert_eq!((view.running, view.ok), (false, None));
    }
}
