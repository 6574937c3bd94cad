//! The one way in which a request is refused.

/// A request that cannot be met, in words a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem} (accepted: {accepted})")]
pub struct RecipeError {
    /// The field at fault, as it is called in a recipe, such as `steps` or `references[2].role`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be accepted in its place.
    pub accepted: String,
}

impl RecipeError {
    /// An error on `field`.
    pub fn new(
        field: impl Into<String>,
        problem: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), problem: problem.into(), accepted: accepted.into() }
    }
}
