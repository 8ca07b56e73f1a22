//! What other access policies permit and forbid, compared with those that come with the program.

use super::matrix::{Column, ladder, permits};
use super::{AccessAction, AccessPolicy, DataKind};

/// A cell of the matrix that differs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AccessChange {
    /// The role, or `operator`.
    pub who: &'static str,
    /// What they do.
    pub action: AccessAction,
    /// To which kind of data.
    pub kind: DataKind,
    /// In which circumstances it is permitted now and was not.
    pub widened: Vec<String>,
    /// In which it was permitted and is not any more.
    pub narrowed: Vec<String>,
}

/// The cells in which `other` differs from `base`, in the circumstances that the matrix knows. Conditions on anything else, such
/// as one ticket, are not seen by it.
pub fn access_changes(base: &AccessPolicy, other: &AccessPolicy) -> Vec<AccessChange> {
    let mut changes = Vec::new();
    for who in Column::all() {
        for action in AccessAction::ALL {
            for kind in DataKind::ALL {
                let (mut widened, mut narrowed) = (Vec::new(), Vec::new());
                for needs in ladder() {
                    match (permits(base, who, action, kind, needs), permits(other, who, action, kind, needs))
                    {
                        (false, true) => widened.push(needs.to_string()),
                        (true, false) => narrowed.push(needs.to_string()),
                        _ => {}
                    }
                }
                if !widened.is_empty() || !narrowed.is_empty() {
                    changes.push(AccessChange { who: who.name(), action, kind, widened, narrowed });
                }
            }
        }
    }
    changes
}
