//! Who asks, and what they may do.
//!
//! Owns identities ([`UserInfo`]), the tokens by which they are known, and the authorizer that reads roles and bindings from the
//! store. Everybody is the administrator who does not say otherwise: over HTTP by a bearer token or by impersonation, in direct
//! calls by [`ApiServer::acting_as`]. Everybody may do everything unless [`Options::authorization`](crate::Options) asks for RBAC.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::options::Target;
use crate::server::{ApiServer, Core};
use crate::status::Status;

mod attributes;
mod authenticate;
mod cover;
pub(crate) mod escalation;
pub(crate) mod impersonation;
mod rbac;
pub(crate) mod reviews;
mod token;
pub(crate) mod token_request;
mod user;

pub(crate) use attributes::Attributes;
pub(crate) use token::{LEGACY_ISSUER, SigningKey};
pub(crate) use user::MASTERS;
pub use user::UserInfo;
pub(crate) use user::account_name;

/// Who decides what somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Nobody: everybody may do everything.
    #[default]
    AlwaysAllow,
    /// The roles and bindings in the store, as `--authorization-mode=RBAC`. Those of a fresh cluster come with
    /// [`Options::bootstrap`](crate::Options).
    Rbac,
}

/// What the server knows of those who ask.
pub(crate) struct Access {
    pub(crate) authorization: Authorization,
    /// Tokens that the caller of the library gave, and whose they are.
    pub(crate) tokens: BTreeMap<String, UserInfo>,
    pub(crate) key: SigningKey,
    /// Who the present write is for.
    pub(crate) caller: Arc<UserInfo>,
}

/// For whom a handle of the server asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: Arc<UserInfo>,
    /// Whether the request as a whole has been allowed already: parts of it are not asked about again.
    pub(crate) allowed: bool,
}

impl Caller {
    pub(crate) fn new(user: UserInfo) -> Self {
        Self { user: Arc::new(user), allowed: false }
    }
}

impl ApiServer {
    /// The same server for somebody else: what is asked through this handle is asked by `user`, who is in
    /// `system:authenticated` unless the user is anonymous.
    #[must_use]
    pub fn acting_as(&self, user: UserInfo) -> Self {
        self.for_caller(Caller::new(user.authenticated()))
    }

    /// Who asks through this handle.
    pub fn user(&self) -> &UserInfo {
        &self.caller().user
    }

    /// A token of these claims, as this server knows it again.
    pub(crate) fn sign_token(&self, claims: &Value) -> String {
        self.lock().access.key.sign(claims)
    }

    /// 403 where whoever asks through this handle may not.
    pub(crate) fn authorize(&self, core: &Core, attributes: &Attributes) -> Result<(), Status> {
        if self.caller().allowed { Ok(()) } else { core.authorize(self.user(), attributes) }
    }

    /// [`ApiServer::authorize`] of a verb on a target.
    pub(crate) fn may(&self, core: &Core, verb: &str, target: &Target) -> Result<(), Status> {
        self.authorize(core, &Attributes::of(verb, target))
    }
}
