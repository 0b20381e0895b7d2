use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];

fn base() -> Value {
    json!({
        "gateway": {"port": 18789, "auth": {"token": "canary"}},
        "agents": {"defaults": {"model": {"primary": "mock/one"}}},
        "models": {"providers": {"mock": {"apiKey": "canary", "models": [{"id": "one"}]}}},
    })
}

fn open(folder: &TempDir) -> ConfigOverlay {
    ConfigOverlay::open(folder.path(), base(), KEY)
}

fn hash_of(overlay: &ConfigOverlay) -> String {
    overlay.report()["hash"].as_str().unwrap().to_owned()
}

fn patch(overlay: &ConfigOverlay, raw: &str) -> Result<bool, Unchanged> {
    overlay.change(Change::Patch, raw, Some(&hash_of(overlay)), |_| Ok(()))
}

fn on_disk(folder: &TempDir) -> Option<String> {
    std::fs::read_to_string(folder.path().join(FILE)).ok()
}

#[test]
fn a_change_is_on_disk_as_the_difference_and_holds_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let overlay = open(&folder);

    assert_eq!(
        patch(
            &overlay,
            "{agents: {defaults: {model: {primary: 'mock/two'}}}}"
        ),
        Ok(true)
    );

    let written: Value = serde_json::from_str(&on_disk(&folder).unwrap()).unwrap();
    let wanted = json!({"agents": {"defaults": {"model": {"primary": "mock/two"}}}});
    assert_eq!(written, wanted);
    let again = open(&folder);
    assert_eq!(again.config(), overlay.config());
    assert_eq!(again.config()["models"], base()["models"]);
    // A model holds at once.
    assert_eq!(overlay.applied_hash(), hash_of(&overlay));
    assert_eq!(again.applied_hash(), hash_of(&again));
}

#[test]
fn only_what_holds_at_once_counts_as_applied() {
    let folder = TempDir::new().unwrap();
    let overlay = open(&folder);
    for (raw, is_applied) in [
        (
            "{models: {providers: {other: {baseUrl: 'http://127.0.0.1:1'}}}}",
            true,
        ),
        ("{tools: {exec: {ask: 'always'}}}", true),
        ("{agents: {defaults: {workspace: '/elsewhere'}}}", false),
        // Mixed with one that does not, none is said to.
        ("{tools: {exec: {ask: 'on-miss'}}}", false),
        ("{agents: {defaults: {workspace: null}}}", true),
    ] {
        assert_eq!(patch(&overlay, raw), Ok(true), "{raw}");
        assert_eq!(
            overlay.applied_hash() == hash_of(&overlay),
            is_applied,
            "{raw}"
        );
    }
}

#[test]
fn a_secret_is_not_shown_and_not_written_when_it_comes_back_as_its_placeholder() {
    let folder = TempDir::new().unwrap();
    let overlay = open(&folder);
    let mut shown = overlay.report();
    assert!(!shown.to_string().contains("canary"), "{shown}");
    shown["parsed"]["agents"]["defaults"]["workspace"] = json!("/w");

    let raw = shown["parsed"].to_string();
    let hash = hash_of(&overlay);
    assert_eq!(
        overlay.change(Change::Replace, &raw, Some(&hash), |_| Ok(())),
        Ok(true)
    );

    assert!(!on_disk(&folder).unwrap().contains("canary"));
    assert_eq!(overlay.config()["models"], base()["models"]);
}

#[test]
fn what_a_replacement_leaves_out_is_gone_after_a_restart_too() {
    let folder = TempDir::new().unwrap();
    let overlay = open(&folder);
    let raw = json!({"gateway": base()["gateway"]}).to_string();
    let hash = hash_of(&overlay);
    overlay
        .change(Change::Replace, &raw, Some(&hash), |_| Ok(()))
        .unwrap();

    assert_eq!(
        open(&folder).config(),
        json!({"gateway": base()["gateway"]})
    );
}

#[test]
fn a_change_on_another_base_or_none_is_refused() {
    let folder = TempDir::new().unwrap();
    let overlay = open(&folder);
    let old = hash_of(&overlay);
    patch(&overlay, "{a: 1}").unwrap();
    let before = on_disk(&folder);

    let stale = overlay.change(Change::Patch, "{a: 2}", Some(&old), |_| Ok(()));
    let none = overlay.change(Change::Patch, "{a: 2}", None, |_| Ok(()));

    assert_eq!(stale, Err(Unchanged::Stale));
    assert_eq!(none, Err(Unchanged::NoBase));
    assert_eq!(on_disk(&folder), before);
}

#[test]
fn what_cannot_be_used_is_not_written() {
    let folder = TempDir::new().unwrap();
    let overlay = open(&folder);
    let hash = hash_of(&overlay);

    let judged = overlay.change(Change::Patch, "{a: 1}", Some(&hash), |_| Err("bad".into()));
    assert_eq!(judged, Err(Unchanged::Invalid("bad".to_owned())));
    assert!(matches!(patch(&overlay, "{a:"), Err(Unchanged::Invalid(_))));
    assert!(matches!(patch(&overlay, "[]"), Err(Unchanged::Invalid(_))));
    assert_eq!(
        patch(&overlay, "{gateway: {auth: {token: 'mine'}}}"),
        Err(Unchanged::BeforeStart)
    );
    assert_eq!(
        patch(&overlay, "{x: {apiKey: '__OPENCLAW_REDACTED__'}}"),
        Err(Unchanged::Placeholder("x.apiKey".to_owned()))
    );
    assert_eq!(patch(&overlay, "{}"), Ok(false));
    assert_eq!(on_disk(&folder), None);
}

#[test]
fn an_overlay_that_cannot_be_read_has_no_effect_is_told_and_is_not_overwritten() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(FILE), "{agents: ").unwrap();

    let overlay = open(&folder);

    assert_eq!(overlay.config(), base());
    assert_eq!(overlay.report()["valid"], false);
    assert!(matches!(patch(&overlay, "{a: 1}"), Err(Unchanged::File(_))));
    assert_eq!(on_disk(&folder).unwrap(), "{agents: ");
}

#[test]
fn an_overlay_made_by_hand_does_not_move_the_gateway() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(FILE), "{gateway: {port: 1}, a: 1}").unwrap();
    let config = open(&folder).config();
    assert_eq!(config["gateway"], base()["gateway"]);
    assert_eq!(config["a"], 1);
}

#[cfg(unix)]
#[test]
fn the_overlay_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    patch(&open(&folder), "{a: 1}").unwrap();
    let metadata = std::fs::metadata(folder.path().join(FILE)).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

fn any_config() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    let any = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[abc]", any, 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

proptest! {
    #[test]
    fn the_difference_merged_into_the_base_is_what_was_wanted(
        base in any_config(),
        wanted in any_config(),
    ) {
        let mut merged = base.clone();
        merge(&mut merged, difference(&base, &wanted));
        prop_assert_eq!(merged, wanted);
    }
}
