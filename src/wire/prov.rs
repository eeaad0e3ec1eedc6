//! The provisioning document `wap-provisioningdoc` as characteristics and parameters (OMA ProvCont 1.1, section 4).

use std::fmt;

/// A provisioning document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvDoc {
    /// The `version` attribute; `1.0` when absent.
    pub version: Option<String>,
    /// The characteristics at the root, in order: order is priority.
    pub characteristics: Vec<Characteristic>,
}

/// A `characteristic`: a type, its parameters and the characteristics in it. Parameters and characteristics keep
/// their order among each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Characteristic {
    /// The `type` attribute, for example `NAPDEF`.
    pub kind: String,
    /// What stands in it.
    pub items: Vec<Item>,
}

/// What may stand in a characteristic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A parameter.
    Parm(Parm),
    /// A characteristic.
    Characteristic(Characteristic),
}

/// A `parm`: a name and a value, or no value at all (a flag such as `INIT`).
#[derive(Clone, PartialEq, Eq)]
pub struct Parm {
    /// The `name` attribute.
    pub name: String,
    /// The `value` attribute; an empty one is not the same as none.
    pub value: Option<String>,
}

impl Characteristic {
    /// An empty characteristic.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), items: Vec::new() }
    }

    /// Adds a parameter with a value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.items.push(Item::Parm(Parm { name: name.into(), value: Some(value.into()) }));
        self
    }

    /// Adds a parameter without a value.
    #[must_use]
    pub fn with_flag(mut self, name: impl Into<String>) -> Self {
        self.items.push(Item::Parm(Parm { name: name.into(), value: None }));
        self
    }

    /// Adds a characteristic.
    #[must_use]
    pub fn with_characteristic(mut self, inner: Self) -> Self {
        self.items.push(Item::Characteristic(inner));
        self
    }

    /// The parameters, in order.
    pub fn parms(&self) -> impl Iterator<Item = &Parm> {
        self.items.iter().filter_map(|i| if let Item::Parm(p) = i { Some(p) } else { None })
    }

    /// The characteristics of type `kind` directly in this one, in order.
    pub fn inner<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Self> {
        self.items.iter().filter_map(move |i| match i {
            Item::Characteristic(c) if c.kind == kind => Some(c),
            _ => None,
        })
    }

    /// The value of the first parameter of that name; `Some("")` for a flag.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.parms().find(|p| p.name == name).map(|p| p.value.as_deref().unwrap_or(""))
    }

    /// The values of all parameters of that name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parms().filter(move |p| p.name == name).map(|p| p.value.as_deref().unwrap_or(""))
    }
}

impl fmt::Debug for Parm {
    /// The name only: AAUTHSECRET and its kin stand here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.value.is_some() { "=…" } else { "" })
    }
}
