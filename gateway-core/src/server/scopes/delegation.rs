//! Authority that one party hands to another: approving a device or node, rotating a token.
//!
//! One rule: nobody hands on what they do not hold, and what was approved stays the bound whatever a
//! device or node declares later.

use super::covers;
use crate::protocol::connect::Scope;

/// The caller would hand on more than it holds itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing scope: {missing}")]
pub struct ExceedsCaller {
    /// The first scope the caller does not hold; `details.missingScope` of the answer.
    pub missing: Scope,
}

/// Returns the scopes to approve a pending device with: those it asked for.
///
/// # Errors
///
/// Fails when the approver holds less than that.
pub fn approve(approver: &[Scope], asked: &[Scope]) -> Result<Vec<Scope>, ExceedsCaller> {
    hand_on(approver, asked)
}

/// Returns the scopes of a rotated device token: those the old one had.
///
/// `approved` is the device's record: a scope that was taken from it meanwhile does not come back
/// with the new token.
///
/// # Errors
///
/// Fails when the caller holds less than that.
pub fn rotate(
    caller: &[Scope],
    approved: &[Scope],
    token: &[Scope],
) -> Result<Vec<Scope>, ExceedsCaller> {
    let kept: Vec<Scope> = token
        .iter()
        .filter(|scope| covers(approved, std::slice::from_ref(*scope)))
        .cloned()
        .collect();
    hand_on(caller, &kept)
}

fn hand_on(holder: &[Scope], wanted: &[Scope]) -> Result<Vec<Scope>, ExceedsCaller> {
    match wanted
        .iter()
        .find(|scope| !covers(holder, std::slice::from_ref(*scope)))
    {
        Some(missing) => Err(ExceedsCaller {
            missing: missing.clone(),
        }),
        None => Ok(wanted.to_vec()),
    }
}

/// Which commands of a node may be invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCommands {
    /// Those it declares and that were approved, in its order.
    pub usable: Vec<String>,
    /// Whether it declares more than that, so that its new surface waits for approval.
    pub needs_approval: bool,
}

/// Settles the commands of a node that connects; `approved` is `None` for one nobody approved.
pub fn node_commands(approved: Option<&[String]>, declared: &[String]) -> NodeCommands {
    let approved = approved.unwrap_or_default();
    let usable: Vec<String> = declared
        .iter()
        .filter(|command| approved.contains(command))
        .cloned()
        .collect();
    NodeCommands {
        needs_approval: usable.len() < declared.len(),
        usable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CVE-2026-33577: whoever could approve could approve somebody with more than themselves.
    #[test]
    fn inherited_an_approver_approves_nothing_beyond_its_own_scopes() {
        let pairing = [Scope::Pairing, Scope::Read];

        assert!(approve(&pairing, &[Scope::Read]).is_ok());
        for asked in [
            Scope::Admin,
            Scope::Write,
            Scope::Other("operator.x".into()),
        ] {
            let refusal = approve(&pairing, &[Scope::Read, asked.clone()]).unwrap_err();
            assert_eq!(refusal.missing, asked);
        }
        assert!(approve(&[Scope::Admin], &[Scope::Admin, Scope::Write]).is_ok());
        assert!(approve(&[], &[]).is_ok());
    }

    /// GHSA-4jpw-hj22-2xmc: `device.token.rotate` minted a token above its caller.
    #[test]
    fn inherited_a_rotation_mints_no_more_than_its_caller_holds() {
        let admin = [Scope::Admin];

        assert_eq!(
            rotate(&[Scope::Pairing], &admin, &admin)
                .unwrap_err()
                .missing,
            Scope::Admin
        );
        assert_eq!(rotate(&admin, &admin, &admin).unwrap(), admin);
        assert_eq!(
            rotate(&[Scope::Write], &admin, &[Scope::Read]).unwrap(),
            [Scope::Read]
        );
    }

    #[test]
    fn a_rotation_does_not_bring_back_what_was_taken_away() {
        let rotated = rotate(
            &[Scope::Admin],
            &[Scope::Read],
            &[Scope::Read, Scope::Write],
        );

        assert_eq!(rotated.unwrap(), [Scope::Read]);
    }

    /// PR 62658: a node that reconnected with more commands had them at once.
    #[test]
    fn inherited_a_node_that_declares_more_keeps_its_old_commands() {
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let approved = list(&["system.notify", "system.which"]);
        let table = [
            (
                Some(&approved),
                list(&["system.notify"]),
                list(&["system.notify"]),
                false,
            ),
            (
                Some(&approved),
                list(&["system.run", "system.which"]),
                list(&["system.which"]),
                true,
            ),
            (None, list(&["system.notify"]), list(&[]), true),
            (None, list(&[]), list(&[]), false),
        ];
        for (approved, declared, usable, needs_approval) in table {
            let settled = node_commands(approved.map(Vec::as_slice), &declared);
            let expected = NodeCommands {
                usable,
                needs_approval,
            };
            assert_eq!(settled, expected, "{declared:?}");
        }
    }
}
