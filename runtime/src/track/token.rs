//! Signed tokens: what an address in a message says about itself.
//!
//! A token carries all that is needed to act on it: the contact, the message, what it is for, and for a click where it
//! leads. Nothing is looked up, so that the links of an old mail work when its row is long gone and when the store is
//! down; and since the whole is signed, a redirect leads only where a message of ours did. The first byte says what it
//! is for, numbers are variable-length, the last 16 bytes are an HMAC-SHA256 cut to 128 bit; all in unpadded base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use smol_str::SmolStr;
use subtle::ConstantTimeEq;

use crate::core::contact::ContactId;
use crate::core::effect::MessageId;

/// The shortest key that is accepted, in bytes.
pub const MIN_KEY: usize = 16;

/// The signature's length: 128 bit.
const MAC: usize = 16;

/// No token is longer, in characters.
const MAX_TOKEN: usize = 4096;

/// Keeps signatures of tokens apart from anything else that the key may sign.
const TOKEN_DOMAIN: &[u8] = b"journey token 1\0";

/// The same for the tag in a return path.
const RETURN_DOMAIN: &[u8] = b"journey return-path 1\0";

/// The same for the tag in a Message-ID.
const TAG_DOMAIN: &[u8] = b"journey message-id 1\0";

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The message it stands in.
    pub message: MessageId,
    /// What it is for.
    pub purport: Purport,
}

/// What a token is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purport {
    /// The open pixel.
    Open,
    /// A link.
    Click {
        /// Its place among the message's links, from 0.
        index: u32,
        /// Where it leads.
        url: String,
    },
    /// The unsubscribe link.
    Unsubscribe {
        /// The topic of the message; everything without.
        topic: Option<SmolStr>,
    },
    /// The preference page.
    Preferences,
    /// Where a provider tells what became of it.
    Report,
    /// The link that confirms a subscription.
    Confirm {
        /// To which topic.
        topic: SmolStr,
    },
    /// The page where a colleague answers a question.
    Answer {
        /// The question.
        question: String,
        /// What can be answered; at least one.
        answers: Vec<SmolStr>,
    },
}

/// The keys that sign and verify. The newest signs; older ones still verify, because links in mail never expire.
#[derive(Clone)]
pub struct Keys {
    newest: Hmac<Sha256>,
    older: Vec<Hmac<Sha256>>,
}

impl Keys {
    /// Keys from secrets, newest first; `None` if there is none or one is shorter than [`MIN_KEY`].
    pub fn new<K: AsRef<[u8]>>(secrets: impl IntoIterator<Item = K>) -> Option<Self> {
        let mut keys = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref();
            if secret.len() < MIN_KEY {
                return None;
            }
            keys.push(Hmac::new_from_slice(secret).ok()?);
        }
        let mut keys = keys.into_iter();
        Some(Self { newest: keys.next()?, older: keys.collect() })
    }

    /// The claim as a token.
    pub fn sign(&self, claim: &Claim) -> String {
        let mut bytes = Vec::with_capacity(48);
        let asked;
        let (kind, rest) = match &claim.purport {
            Purport::Open => (1, None),
            Purport::Click { index, url } => (2, Some((*index, url.as_str()))),
            Purport::Unsubscribe { topic: None } => (3, None),
            Purport::Unsubscribe { topic: Some(topic) } => (4, Some((0, topic.as_str()))),
            Purport::Preferences => (5, None),
            Purport::Confirm { topic } => (6, Some((0, topic.as_str()))),
            Purport::Answer { question, answers } => {
                // Answers are names, and hold no NUL.
                asked = format!("{}\0{question}", answers.join("\0"));
                (7, Some((u32::try_from(answers.len()).unwrap_or(0), asked.as_str())))
            }
            Purport::Report => (8, None),
        };
        bytes.push(kind);
        put_number(&mut bytes, zigzag(claim.message.contact.0));
        put_number(&mut bytes, claim.message.number.into());
        if let Some((index, text)) = rest {
            put_number(&mut bytes, index.into());
            bytes.extend_from_slice(text.as_bytes());
        }
        let mac = mac(&self.newest, TOKEN_DOMAIN, &bytes);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a token of ours says; `None` for anything else, without a word why.
    pub fn verify(&self, token: &str) -> Option<Claim> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (claim, given) = bytes.split_last_chunk::<MAC>()?;
        let ours = std::iter::once(&self.newest)
            .chain(&self.older)
            .any(|key| bool::from(mac(key, TOKEN_DOMAIN, claim).ct_eq(given)));
        if ours { read(claim) } else { None }
    }

    /// 64 bit that only we can make for a message: they keep our Message-IDs apart from everybody else's.
    pub fn tag(&self, message: MessageId) -> String {
        tag(&self.newest, TAG_DOMAIN, message)
    }

    /// The message in the local part of a Message-ID of ours: `7.3.TAG`.
    pub fn message_of_id(&self, local: &str) -> Option<MessageId> {
        self.message_of(local, TAG_DOMAIN)
    }

    /// What stands behind the `+` of a message's return path: `7.3.TAG`. In small letters alone, because mail servers on the
    /// way may not keep others.
    pub fn return_tag(&self, message: MessageId) -> String {
        let MessageId { contact, number } = message;
        format!("{}.{number}.{}", contact.0, tag(&self.newest, RETURN_DOMAIN, message))
    }

    /// The message of such a tag.
    pub fn message_of_return(&self, text: &str) -> Option<MessageId> {
        self.message_of(text, RETURN_DOMAIN)
    }

    fn message_of(&self, text: &str, domain: &[u8]) -> Option<MessageId> {
        let mut parts = text.split('.');
        let (contact, number, given) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let message = MessageId { contact: ContactId(contact), number };
        let given = given.to_ascii_lowercase();
        let ours = std::iter::once(&self.newest)
            .chain(&self.older)
            .any(|key| bool::from(tag(key, domain, message).as_bytes().ct_eq(given.as_bytes())));
        (ours && parts.next().is_none()).then_some(message)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

fn tag(key: &Hmac<Sha256>, domain: &[u8], message: MessageId) -> String {
    let mut bytes = message.contact.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(&message.number.to_be_bytes());
    mac(key, domain, &bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &Hmac<Sha256>, domain: &[u8], bytes: &[u8]) -> [u8; MAC] {
    let full = key.clone().chain_update(domain).chain_update(bytes).finalize().into_bytes();
    full.first_chunk::<MAC>().copied().unwrap_or_default()
}

fn read(claim: &[u8]) -> Option<Claim> {
    let (kind, rest) = claim.split_first()?;
    let (contact, rest) = take_number(rest)?;
    let (number, rest) = take_number(rest)?;
    let message = MessageId { contact: ContactId(unzigzag(contact)), number: u32::try_from(number).ok()? };
    let text = |rest| {
        let (index, text) = take_number(rest)?;
        Some((u32::try_from(index).ok()?, std::str::from_utf8(text).ok()?))
    };
    let purport = match kind {
        1 => Purport::Open,
        2 => {
            let (index, url) = text(rest)?;
            Purport::Click { index, url: url.to_owned() }
        }
        3 => Purport::Unsubscribe { topic: None },
        4 => Purport::Unsubscribe { topic: Some(text(rest)?.1.into()) },
        5 => Purport::Preferences,
        6 => Purport::Confirm { topic: text(rest)?.1.into() },
        7 => {
            let (count, text) = text(rest)?;
            let mut parts = text.splitn(usize::try_from(count).ok()?.checked_add(1)?, '\0');
            let answers = parts.by_ref().take(usize::try_from(count).ok()?).map(SmolStr::new).collect();
            Purport::Answer { answers, question: parts.next()?.to_owned() }
        }
        8 => Purport::Report,
        _ => return None,
    };
    Some(Claim { message, purport })
}

const fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

fn put_number(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

fn take_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0_u64;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        n |= bits.checked_shl(7 * place as u32)?;
        if byte & 0x80 == 0 {
            return Some((n, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::new(["0123456789abcdef"]).unwrap()
    }

    fn claims() -> impl Strategy<Value = Claim> {
        let purport = prop_oneof![
            Just(Purport::Open),
            Just(Purport::Preferences),
            Just(Purport::Report),
            "[a-z]{1,12}".prop_map(|topic| Purport::Confirm { topic: topic.into() }),
            (any::<u32>(), "https://[a-z]{1,20}/[ -~é€]{0,80}").prop_map(|(index, url)| Purport::Click { index, url }),
            ("[ -~é\0]{0,80}", proptest::collection::vec("[a-z]{1,8}", 1..4)).prop_map(|(question, answers)| {
                Purport::Answer { question, answers: answers.into_iter().map(SmolStr::from).collect() }
            }),
            proptest::option::of("[a-z]{1,12}")
                .prop_map(|topic| Purport::Unsubscribe { topic: topic.map(SmolStr::from) }),
        ];
        (any::<i64>(), any::<u32>(), purport).prop_map(|(contact, number, purport)| Claim {
            message: MessageId { contact: ContactId(contact), number },
            purport,
        })
    }

    #[test]
    fn a_token_of_the_first_release_still_works() {
        let claim = Claim {
            message: MessageId { contact: ContactId(300), number: 7 },
            purport: Purport::Unsubscribe { topic: Some("offers".into()) },
        };
        insta::assert_snapshot!(keys().sign(&claim));
        assert_eq!(keys().verify(&keys().sign(&claim)), Some(claim));
    }

    #[test]
    fn an_open_token_is_short() {
        let claim = Claim { message: MessageId { contact: ContactId(1_000_000), number: 12 }, purport: Purport::Open };
        assert!(keys().sign(&claim).len() <= 32);
    }

    #[test]
    fn old_keys_verify_and_do_not_sign() {
        let claim = Claim { message: MessageId { contact: ContactId(5), number: 1 }, purport: Purport::Open };
        let old = keys().sign(&claim);
        let rotated = Keys::new(["another key of 16", "0123456789abcdef"]).unwrap();
        assert_eq!(rotated.verify(&old), Some(claim.clone()));
        assert_ne!(rotated.sign(&claim), old);
        assert_eq!(Keys::new(["another key of 16"]).unwrap().verify(&old), None);
        assert!(Keys::new(["short"]).is_none());
        assert!(Keys::new::<&str>([]).is_none());
    }

    proptest! {
        // Each case tries every bit and every length of a token.
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn tokens_say_what_was_signed(claim in claims()) {
            let token = keys().sign(&claim);
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(keys().verify(&token), Some(claim));
        }

        #[test]
        fn no_changed_bit_passes(claim in claims()) {
            let token = keys().sign(&claim);
            let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut forged = bytes.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(keys().verify(&URL_SAFE_NO_PAD.encode(forged)), None);
            }
            for bit in 0..token.len() * 8 {
                let mut forged = token.clone().into_bytes();
                forged[bit / 8] ^= 1 << (bit % 8);
                if let Ok(forged) = String::from_utf8(forged) {
                    prop_assert_eq!(keys().verify(&forged), None);
                }
            }
            for length in 0..token.len() {
                prop_assert_eq!(keys().verify(token.get(..length).unwrap()), None);
            }
        }

        #[test]
        fn anything_else_is_refused(token in "\\PC{0,200}") {
            prop_assert_eq!(keys().verify(&token), None);
        }
    }
}
