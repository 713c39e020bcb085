//! Declarations as written.

use journey_bytecode::{Channel, LocalWindow, Number, Span};
use smol_str::SmolStr;

use super::{EventPattern, Expr, Loc, Name};

/// `contact { .. }`
#[derive(Clone, PartialEq, Debug)]
pub struct ContactDecl {
    /// The attributes.
    pub fields: Vec<FieldDecl>,
    /// The word `contact`.
    pub loc: Loc,
}

/// An attribute of the contact, or a field of an event.
#[derive(Clone, PartialEq, Debug)]
pub struct FieldDecl {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
    /// `?`
    pub optional: bool,
    /// `= VALUE`
    pub default: Option<Expr>,
}

/// A type as written.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeRef {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub loc: Loc,
}

/// The kinds of types.
#[derive(Clone, PartialEq, Debug)]
pub enum TypeKind {
    /// A word: `text`
    Word(SmolStr),
    /// `enum { a b c }`
    Enum(Vec<Name>),
    /// `list of T`
    List(Box<TypeRef>),
    /// Missing or misspelt; the parser has said so.
    Error,
}

/// `event NAME { .. }`
#[derive(Clone, PartialEq, Debug)]
pub struct EventDecl {
    /// Its name.
    pub name: Name,
    /// Its payload.
    pub fields: Vec<FieldDecl>,
}

/// `topic NAME "title"`
#[derive(Clone, PartialEq, Debug)]
pub struct TopicDecl {
    /// Its name.
    pub name: Name,
    /// The words that a contact reads.
    pub title: SmolStr,
}

/// `policy { .. }`
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyDecl {
    /// Its lines.
    pub items: Vec<PolicyItem>,
}

/// A line of the policy.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyItem {
    /// What it says.
    pub kind: PolicyKind,
    /// Where.
    pub loc: Loc,
}

/// What a line of the policy says.
#[derive(Clone, PartialEq, Debug)]
pub enum PolicyKind {
    /// `sender [CHANNEL] "Name <address>"`
    Sender(Option<Channel>, SmolStr),
    /// `address "postal address"`
    Address(SmolStr),
    /// `quiet hours [CHANNEL] 21:00 to 08:00`
    QuietHours(Option<Channel>, LocalWindow),
    /// `cap [CHANNEL] 3 messages per 7d`
    Cap {
        /// The channel it counts.
        channel: Option<Channel>,
        /// How many.
        most: u32,
        /// Within how long.
        per: Span,
    },
    /// `rate [CHANNEL] 1000 messages per 1h`
    Rate {
        /// The channel it counts.
        channel: Option<Channel>,
        /// How many.
        most: u32,
        /// Within how long.
        per: Span,
    },
    /// Cannot be read; somebody has said so.
    Error,
}

/// `segment NAME = COND`
#[derive(Clone, PartialEq, Debug)]
pub struct SegmentDecl {
    /// Its name.
    pub name: Name,
    /// Who is in it.
    pub condition: Expr,
}

/// `score NAME { opened +2 halves every 30d }`
#[derive(Clone, PartialEq, Debug)]
pub struct ScoreDecl {
    /// Its name.
    pub name: Name,
    /// What happenings are worth.
    pub rules: Vec<(EventPattern, Number)>,
    /// How long until it is worth half, and where that stands.
    pub halves: Option<(Span, Loc)>,
}

/// `funnel NAME { new -> customer | lost }`
#[derive(Clone, PartialEq, Debug)]
pub struct FunnelDecl {
    /// Its name.
    pub name: Name,
    /// Its stages, in order.
    pub stages: Vec<Name>,
}

/// `voucher NAME "title" from file "vouchers/cart10.csv"`, `.. generate "CART-######"`
#[derive(Clone, PartialEq, Debug)]
pub struct VoucherDecl {
    /// Its name.
    pub name: Name,
    /// What it is worth.
    pub title: SmolStr,
    /// Whether codes come from a file, rather than being made by a pattern.
    pub from_file: bool,
    /// The file or pattern.
    pub source: SmolStr,
    /// Where that stands.
    pub source_loc: Loc,
}
