//! What a connection is granted: role, scopes, and whether its device has to be approved first.
//!
//! Called once per connect request, after the device's signature and the credential were checked.
//! What the client asks for is only ever a wish: it is met from what was approved before, or, for a
//! program on this computer that knows the gateway's secret, approved on the spot, since that program
//! may have every scope without a device anyway (protocol §3, §5). Nothing else widens anything.

pub mod delegation;

use super::peer_address::Locality;
use crate::protocol::DetailCode;
use crate::protocol::connect::{Role, Scope};

/// The gateway's own page as the official one names itself.
const CONTROL_UI: &str = "openclaw-control-ui";
/// The ids of pages a gateway serves; no other page is ever approved silently.
const OWN_PAGES: [&str; 3] = [CONTROL_UI, "webchat-ui", "webchat"];
/// What a single-use code is good for: everything our own page asks for, and no administration.
const BY_CODE: [Scope; 5] = [
    Scope::Read,
    Scope::Write,
    Scope::Approvals,
    Scope::Questions,
    Scope::Pairing,
];
/// Programs that may use the gateway's secret on this computer without a device: id and mode.
const DEVICELESS: [(&str, &str); 2] = [("cli", "cli"), BACKEND];
/// The only one of them that needs no secret where the gateway has none.
const BACKEND: (&str, &str) = ("gateway-client", "backend");

/// How a connection proved that it may talk to this gateway. A wrong credential never gets here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    /// With the gateway's token or password.
    Shared,
    /// With a token that was issued to this device for this role, and has not been revoked.
    DeviceToken {
        /// The scopes of the token.
        scopes: Vec<Scope>,
    },
    /// With a code that this gateway made for one sign-in on this computer.
    SingleUseCode,
    /// The gateway asks for no secret (`gateway.auth.mode: "none"`).
    OpenGateway,
    /// By somebody else's word: Tailscale or a trusted proxy.
    Vouched,
    /// Not at all: no credential was sent, and the gateway wants one.
    Nothing,
}

/// What was approved for a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approved {
    /// The roles it may take.
    pub roles: Vec<Role>,
    /// The scopes it may have as an operator.
    pub scopes: Vec<Scope>,
    /// The platform it was approved with, empty where it gave none.
    pub platform: String,
    /// The kind of machine it was approved with, empty where it gave none.
    pub device_family: String,
}

/// The device of a connect request, its signature verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// What was approved for it; `None` for one nobody approved.
    pub approved: Option<Approved>,
    /// The platform it gives now.
    pub platform: String,
    /// The kind of machine it gives now.
    pub device_family: String,
}

/// Everything that decides about a connection.
#[derive(Debug, Clone)]
pub struct GrantInput<'a> {
    /// `client.id`.
    pub client_id: &'a str,
    /// `client.mode`.
    pub client_mode: &'a str,
    /// The role it asks for; operator where it does not say.
    pub role: Role,
    /// The scopes it asks for, in its order.
    pub requested: &'a [Scope],
    /// Where it calls from.
    pub locality: Locality,
    /// Whether the upgrade carried an Origin, so that a page is calling.
    pub has_origin: bool,
    /// How it signed in.
    pub signed_in: SignedIn,
    /// Its device, where it has one.
    pub device: Option<Device>,
    /// Whether programs on this computer are approved without asking
    /// (`gateway.nodes.pairing.autoApproveLocal`, true where absent).
    pub approves_local: bool,
}

/// What becomes of the device's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// There is no device: nothing is kept and no device token is issued.
    NoDevice,
    /// The record stays as it is.
    Unchanged,
    /// It is approved now without asking anybody (`approvedVia: "silent"`).
    ApproveSilently {
        /// All roles of the record from now on.
        roles: Vec<Role>,
        /// All operator scopes of the record from now on.
        scopes: Vec<Scope>,
    },
}

/// What a connection may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is.
    pub role: Role,
    /// What goes into `hello-ok.auth.scopes` and is enforced.
    pub scopes: Vec<Scope>,
    /// What becomes of the device's record.
    pub pairing: Pairing,
}

/// Why a device has to be approved by somebody (`details.reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairingReason {
    /// Nobody approved it yet.
    NotPaired,
    /// It asks for more scopes than were approved.
    ScopeUpgrade,
    /// It asks for a role that was not approved.
    RoleUpgrade,
    /// It gives another platform or kind of machine than it was approved with.
    MetadataUpgrade,
}

impl PairingReason {
    /// Returns the word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPaired => "not-paired",
            Self::ScopeUpgrade => "scope-upgrade",
            Self::RoleUpgrade => "role-upgrade",
            Self::MetadataUpgrade => "metadata-upgrade",
        }
    }
}

/// Why nothing is granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefusal {
    /// The role is none that we serve.
    #[error("invalid role")]
    InvalidRole,
    /// This client has to prove a device identity.
    #[error("device identity required")]
    DeviceIdentityRequired,
    /// So has the gateway's own page.
    #[error("control ui requires device identity (use HTTPS or localhost secure context)")]
    ControlUiDeviceIdentityRequired,
    /// No credential was sent. Which code that is depends on the gateway's mode.
    #[error("the gateway's token or password is missing")]
    CredentialMissing,
    /// The device token is of a device that is not paired (any more) for this role.
    #[error("device token mismatch (rotate/reissue device token)")]
    DeviceTokenMismatch,
    /// The device token carries less than what is asked for.
    #[error("device token scope mismatch (re-pair or approve scope upgrade)")]
    ScopeMismatch,
    /// Somebody has to approve the device first.
    #[error("pairing required: {}", .0.as_str())]
    PairingRequired(PairingReason),
}

impl GrantRefusal {
    /// Returns `details.code`, where the protocol has one for it.
    pub fn detail_code(&self) -> Option<DetailCode> {
        match self {
            Self::InvalidRole | Self::CredentialMissing => None,
            Self::DeviceIdentityRequired => Some(DetailCode::DeviceIdentityRequired),
            Self::ControlUiDeviceIdentityRequired => {
                Some(DetailCode::ControlUiDeviceIdentityRequired)
            }
            Self::DeviceTokenMismatch => Some(DetailCode::AuthDeviceTokenMismatch),
            Self::ScopeMismatch => Some(DetailCode::AuthScopeMismatch),
            Self::PairingRequired(_) => Some(DetailCode::PairingRequired),
        }
    }
}

/// Decides what a connection is granted.
///
/// # Errors
///
/// Says which of role, device, credential or approval is wanting.
pub fn grant(input: &GrantInput<'_>) -> Result<Grant, GrantRefusal> {
    if matches!(input.role, Role::Other(_)) {
        return Err(GrantRefusal::InvalidRole);
    }
    match &input.device {
        Some(device) => grant_device(input, device),
        None => grant_without_device(input),
    }
}

/// The table of protocol §3, "Who may connect without device".
fn grant_without_device(input: &GrantInput<'_>) -> Result<Grant, GrantRefusal> {
    if input.client_id == CONTROL_UI {
        return Err(GrantRefusal::ControlUiDeviceIdentityRequired);
    }
    if input.role != Role::Operator {
        return Err(GrantRefusal::DeviceIdentityRequired);
    }
    let client = (input.client_id, input.client_mode);
    let is_direct = input.locality == Locality::Local && !input.has_origin;
    let keeps_scopes = match input.signed_in {
        SignedIn::Shared => is_direct && DEVICELESS.contains(&client),
        SignedIn::OpenGateway if is_direct && client == BACKEND => true,
        SignedIn::OpenGateway
        | SignedIn::DeviceToken { .. }
        | SignedIn::SingleUseCode
        | SignedIn::Vouched
        | SignedIn::Nothing => return Err(GrantRefusal::DeviceIdentityRequired),
    };
    Ok(Grant {
        role: Role::Operator,
        // Whoever else knows the secret may ask for health and nothing more.
        scopes: if keeps_scopes {
            input.requested.to_vec()
        } else {
            Vec::new()
        },
        pairing: Pairing::NoDevice,
    })
}

fn grant_device(input: &GrantInput<'_>, device: &Device) -> Result<Grant, GrantRefusal> {
    let is_page_of_ours = !input.has_origin || OWN_PAGES.contains(&input.client_id);
    let approves_silently = match &input.signed_in {
        SignedIn::Nothing => return Err(GrantRefusal::CredentialMissing),
        SignedIn::DeviceToken { scopes } => return grant_by_device_token(input, device, scopes),
        SignedIn::Shared | SignedIn::OpenGateway => {
            input.approves_local && input.locality == Locality::Local && is_page_of_ours
        }
        // Whoever made the code has approved its one user, whatever is approved without asking.
        SignedIn::SingleUseCode => {
            input.locality == Locality::Local
                && is_page_of_ours
                && input.role == Role::Operator
                && covers(&BY_CODE, input.requested)
        }
        SignedIn::Vouched => false,
    };
    let pairing = match wanting(input, device) {
        None => Pairing::Unchanged,
        // The official node host and TUI share one key, so a second role has to come as easily.
        Some(
            PairingReason::NotPaired | PairingReason::RoleUpgrade | PairingReason::ScopeUpgrade,
        ) if approves_silently => approved_with(input, device),
        Some(reason) => return Err(GrantRefusal::PairingRequired(reason)),
    };
    Ok(granted(input, pairing))
}

/// A device token is worth what it was issued for, as far as that is still approved.
fn grant_by_device_token(
    input: &GrantInput<'_>,
    device: &Device,
    token_scopes: &[Scope],
) -> Result<Grant, GrantRefusal> {
    match wanting(input, device) {
        None => {}
        Some(PairingReason::NotPaired | PairingReason::RoleUpgrade) => {
            return Err(GrantRefusal::DeviceTokenMismatch);
        }
        Some(PairingReason::ScopeUpgrade) => return Err(GrantRefusal::ScopeMismatch),
        Some(reason @ PairingReason::MetadataUpgrade) => {
            return Err(GrantRefusal::PairingRequired(reason));
        }
    }
    if input.role == Role::Operator && !covers(token_scopes, input.requested) {
        return Err(GrantRefusal::ScopeMismatch);
    }
    Ok(granted(input, Pairing::Unchanged))
}

/// Returns what keeps the device's record from covering the connection, gravest first.
fn wanting(input: &GrantInput<'_>, device: &Device) -> Option<PairingReason> {
    let Some(approved) = &device.approved else {
        return Some(PairingReason::NotPaired);
    };
    if !is_same_word(&approved.platform, &device.platform)
        || !is_same_word(&approved.device_family, &device.device_family)
    {
        Some(PairingReason::MetadataUpgrade)
    } else if !approved.roles.contains(&input.role) {
        Some(PairingReason::RoleUpgrade)
    } else if input.role == Role::Operator && !covers(&approved.scopes, input.requested) {
        Some(PairingReason::ScopeUpgrade)
    } else {
        None
    }
}

/// Compares like the signature's payload does (protocol §3).
fn is_same_word(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

fn approved_with(input: &GrantInput<'_>, device: &Device) -> Pairing {
    let (mut roles, mut scopes) = match &device.approved {
        Some(approved) => (approved.roles.clone(), approved.scopes.clone()),
        None => (Vec::new(), Vec::new()),
    };
    if !roles.contains(&input.role) {
        roles.push(input.role.clone());
    }
    if input.role == Role::Operator {
        for scope in input.requested {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
    }
    Pairing::ApproveSilently { roles, scopes }
}

/// An operator gets what it asked for, which is covered by now; a node has no operator scopes.
fn granted(input: &GrantInput<'_>, pairing: Pairing) -> Grant {
    Grant {
        role: input.role.clone(),
        scopes: match input.role {
            Role::Operator => input.requested.to_vec(),
            Role::Node | Role::Other(_) => Vec::new(),
        },
        pairing,
    }
}

/// Returns whether every scope in `wanted` is held or implied by one that is held.
pub fn covers(held: &[Scope], wanted: &[Scope]) -> bool {
    wanted
        .iter()
        .all(|wanted| held.iter().any(|held| held.implies(wanted)))
}

#[cfg(test)]
mod tests;
