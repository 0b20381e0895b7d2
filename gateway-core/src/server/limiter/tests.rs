use super::*;
use proptest::prelude::*;
use std::net::Ipv6Addr;

fn remote(address: &str) -> Subject {
    Subject::of(
        Client {
            address: address.parse().unwrap(),
            locality: Locality::Remote,
        },
        None,
    )
}

fn local(origin: Option<&str>) -> Subject {
    Subject::of(
        Client {
            address: [127, 0, 0, 1].into(),
            locality: Locality::Local,
        },
        origin,
    )
}

fn number(index: u32) -> Subject {
    Subject::Address(Ipv6Addr::from_bits(index.into()).into())
}

fn fail(limiter: &mut Limiter, subject: &Subject, times: usize, now: Instant) {
    for _ in 0..times {
        limiter.failed(subject, Class::Shared, now);
    }
}

fn is_locked(limiter: &Limiter, subject: &Subject, now: Instant) -> bool {
    limiter.admit(subject, &[Class::Shared], now).is_err()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn ten_failures_in_a_minute_lock_for_five() {
    let (mut limiter, start) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");

    fail(&mut limiter, &caller, MAX_FAILURES - 1, start);
    assert!(!is_locked(&limiter, &caller, start));
    fail(&mut limiter, &caller, 1, start);

    let locked = limiter.admit(&caller, &[Class::Shared], start).unwrap_err();
    assert_eq!(locked.retry_after, LOCKOUT);
    assert!(is_locked(&limiter, &caller, start + LOCKOUT - SECOND));
    assert!(!is_locked(&limiter, &caller, start + LOCKOUT));
}

#[test]
fn failures_a_minute_apart_never_lock() {
    let (mut limiter, start) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");

    for minute in 0..100 {
        let now = start + WINDOW * minute;
        fail(&mut limiter, &caller, MAX_FAILURES - 1, now);
        assert!(!is_locked(&limiter, &caller, now), "minute {minute}");
    }
}

#[test]
fn the_window_slides() {
    let (mut limiter, start) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");

    fail(&mut limiter, &caller, 5, start + SECOND * 50);
    fail(&mut limiter, &caller, 5, start + SECOND * 100);

    assert!(is_locked(&limiter, &caller, start + SECOND * 100));
}

#[test]
fn failing_on_while_locked_moves_nothing() {
    let (mut limiter, start) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");
    fail(&mut limiter, &caller, MAX_FAILURES, start);

    fail(&mut limiter, &caller, 100, start + SECOND * 200);

    assert!(is_locked(&limiter, &caller, start + LOCKOUT - SECOND));
    assert!(!is_locked(&limiter, &caller, start + LOCKOUT));
}

#[test]
fn a_lock_holds_for_one_caller_and_one_class() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());
    fail(&mut limiter, &remote("192.0.2.1"), MAX_FAILURES, now);

    assert!(!is_locked(&limiter, &remote("192.0.2.2"), now));
    let device_only = limiter.admit(&remote("192.0.2.1"), &[Class::DeviceToken], now);
    assert_eq!(device_only, Ok(()));
}

#[test]
fn signing_in_forgets_the_failures_of_that_class_only() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");
    fail(&mut limiter, &caller, MAX_FAILURES - 1, now);

    // A good device token must not give a guesser of the password new tries.
    limiter.succeeded(&caller, Class::DeviceToken, now);
    fail(&mut limiter, &caller, 1, now);
    assert!(is_locked(&limiter, &caller, now));

    let other = remote("192.0.2.2");
    fail(&mut limiter, &other, MAX_FAILURES - 1, now);
    limiter.succeeded(&other, Class::Shared, now);
    fail(&mut limiter, &other, MAX_FAILURES - 1, now);
    assert!(!is_locked(&limiter, &other, now));
}

#[test]
fn a_success_does_not_open_a_lock() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");
    fail(&mut limiter, &caller, MAX_FAILURES, now);

    limiter.succeeded(&caller, Class::Shared, now);

    assert!(is_locked(&limiter, &caller, now));
}

#[test]
fn a_program_on_this_computer_is_never_locked_nor_remembered() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());

    fail(&mut limiter, &local(None), 1000, now);

    assert!(!is_locked(&limiter, &local(None), now));
    assert_eq!(limiter.remembered(), 0);
}

#[test]
fn loopback_that_came_through_a_proxy_is_counted() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());

    fail(&mut limiter, &remote("127.0.0.1"), MAX_FAILURES, now);

    assert!(is_locked(&limiter, &remote("127.0.0.1"), now));
}

#[test]
fn an_origin_that_a_remote_client_claims_locks_nobody_else() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());
    let claimed = |address: [u8; 4]| {
        let client = Client {
            address: address.into(),
            locality: Locality::Remote,
        };
        Subject::of(client, Some("https://gateway.example"))
    };

    fail(&mut limiter, &claimed([192, 0, 2, 1]), MAX_FAILURES, now);

    assert!(is_locked(&limiter, &claimed([192, 0, 2, 1]), now));
    assert!(is_locked(&limiter, &remote("192.0.2.1"), now));
    assert!(!is_locked(&limiter, &claimed([192, 0, 2, 2]), now));
}

/// Fixed around 2026.2.25: every page in a local browser could guess for ever.
#[test]
fn inherited_a_browser_page_on_loopback_is_not_exempt() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());
    let page = local(Some("http://localhost:18789"));

    fail(&mut limiter, &page, MAX_FAILURES, now);

    assert!(is_locked(
        &limiter,
        &local(Some("http://LOCALHOST:18789")),
        now
    ));
    assert!(!is_locked(
        &limiter,
        &local(Some("http://127.0.0.1:18789")),
        now
    ));
    assert!(!is_locked(&limiter, &local(None), now));
}

/// PR 57647: with any device token beside it, a guess at the password was not limited.
#[test]
fn inherited_a_bogus_device_token_does_not_bypass_the_lock() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());
    let caller = remote("192.0.2.1");
    let both = [Class::DeviceToken, Class::Shared];

    let mut tries = 0;
    while limiter.admit(&caller, &both, now).is_ok() && tries < 1000 {
        tries += 1;
        for class in both {
            limiter.failed(&caller, class, now);
        }
    }

    assert_eq!(tries, MAX_FAILURES);
    assert!(is_locked(&limiter, &caller, now));
}

/// GHSA-5847-rm3g-23mw: the IPv4-mapped spelling doubled the budget.
#[test]
fn inherited_a_mapped_address_shares_the_budget() {
    let (mut limiter, now) = (Limiter::default(), Instant::now());

    fail(&mut limiter, &remote("::ffff:192.0.2.1"), 5, now);
    fail(&mut limiter, &remote("192.0.2.1"), 5, now);

    assert!(is_locked(&limiter, &remote("192.0.2.1"), now));
    assert!(is_locked(&limiter, &remote("::ffff:192.0.2.1"), now));
    assert_eq!(limiter.remembered(), 1);
}

#[test]
fn a_million_callers_do_not_outgrow_the_table_nor_free_a_locked_one() {
    let (mut limiter, now) = (Limiter::new(1000), Instant::now());
    let guesser = remote("192.0.2.1");
    fail(&mut limiter, &guesser, MAX_FAILURES, now);

    for index in 0..1_000_000 {
        limiter.failed(&number(index), Class::Shared, now);
        assert!(limiter.remembered() <= 1000);
    }

    assert!(is_locked(&limiter, &guesser, now));
    assert_eq!(
        limiter.counting.len() + limiter.locked.len(),
        limiter.remembered()
    );
}

#[test]
fn when_all_are_locked_the_one_that_is_nearly_free_makes_room() {
    let (mut limiter, start) = (Limiter::new(3), Instant::now());
    for index in 0..3 {
        fail(
            &mut limiter,
            &number(index),
            MAX_FAILURES,
            start + SECOND * index,
        );
    }

    limiter.failed(&number(9), Class::Shared, start + SECOND * 3);

    let now = start + SECOND * 3;
    assert!(!is_locked(&limiter, &number(0), now));
    assert!(is_locked(&limiter, &number(1), now) && is_locked(&limiter, &number(2), now));
}

#[test]
fn what_is_over_makes_room_before_anything_else() {
    let (mut limiter, start) = (Limiter::new(2), Instant::now());
    fail(&mut limiter, &number(0), MAX_FAILURES, start);
    let later = start + LOCKOUT;
    fail(&mut limiter, &number(1), MAX_FAILURES - 1, later);

    limiter.failed(&number(2), Class::Shared, later);
    fail(&mut limiter, &number(1), 1, later);

    assert!(is_locked(&limiter, &number(1), later));
}

proptest! {
    #[test]
    fn the_three_views_of_the_table_agree(
        steps in proptest::collection::vec((0u32..6, 0u8..3, 0u64..90), 0..200),
    ) {
        let (mut limiter, mut now) = (Limiter::new(3), Instant::now());
        for (caller, action, seconds) in steps {
            now += Duration::from_secs(seconds);
            match action {
                0 => fail(&mut limiter, &number(caller), 4, now),
                1 => limiter.failed(&number(caller), Class::Shared, now),
                _ => limiter.succeeded(&number(caller), Class::Shared, now),
            }
            prop_assert!(limiter.remembered() <= 3);
            prop_assert_eq!(limiter.counting.len() + limiter.locked.len(), limiter.remembered());
        }
    }
}
