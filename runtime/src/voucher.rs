//! Codes of vouchers: each is given out once, and a run that asks again after a crash gets the same one.

use journey_bytecode::{Codes, Instant, Value};
use smol_str::SmolStr;

use crate::core::Linked;
use crate::core::effect::{Errand, MessageId};
use crate::core::input::Answer;
use crate::store::{Delivery, DeliveryResult, Queued, Store, StoreError, TakeCode};

/// What a drawn character can be: nothing that looks like something else.
const DRAWN: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// How often a drawn code may turn out to be taken before there are too few left.
const DRAWS: u32 = 32;

/// Takes the codes that are asked for out of messages that were claimed, and gives them.
pub(crate) async fn give<S: Store>(
    store: &S,
    linked: &Linked,
    queued: &mut Vec<Queued>,
    now: Instant,
) -> Result<Vec<Delivery>, StoreError> {
    let mut given = Vec::new();
    for Queued { outgoing, attempts } in queued.extract_if(.., |queued| queued.outgoing.errand == Errand::Voucher) {
        let expires = match outgoing.data.field("expires") {
            Value::Instant(expires) => Some(expires),
            _ => None,
        };
        let answer = take(store, linked, &outgoing.message, outgoing.id, outgoing.at, expires).await?;
        let result = DeliveryResult::Answered { answer };
        given.push(Delivery { id: outgoing.id, at: now, attempts: attempts + 1, result });
    }
    Ok(given)
}

async fn take<S: Store>(
    store: &S,
    linked: &Linked,
    voucher: &SmolStr,
    id: MessageId,
    at: Instant,
    expires: Option<Instant>,
) -> Result<Answer, StoreError> {
    let known = linked.bundle().schema.vouchers.iter().find(|known| known.name == *voucher);
    let Some(known) = known else {
        return Ok(Answer::None(format!("the project has no voucher `{voucher}` any more")));
    };
    let code = |made| TakeCode { voucher: voucher.clone(), id, at, expires, made };
    let taken = match &known.codes {
        Codes::File(_) => store.take_code(&code(None)).await?,
        Codes::Generated(pattern) => {
            let secret = store.secret().await?;
            let mut taken = None;
            for draw in 0..DRAWS {
                taken = store.take_code(&code(Some(drawn(pattern, &secret, voucher, id, draw)))).await?;
                if taken.is_some() {
                    break;
                }
            }
            taken
        }
    };
    Ok(match taken {
        Some(code) => Answer::Given(Value::Text(code)),
        None => Answer::None(format!("no code of `{voucher}` is left")),
    })
}

/// A code that nobody can guess who does not know the secret.
fn drawn(pattern: &str, secret: &[u8; 32], voucher: &str, id: MessageId, draw: u32) -> SmolStr {
    let seed = format!("voucher\0{voucher}\0{}\0{}\0{draw}", id.contact.0, id.number);
    let mut bytes = blake3::Hasher::new_keyed(secret).update(seed.as_bytes()).finalize_xof();
    let mut character = || {
        let mut byte = [0];
        bytes.fill(&mut byte);
        DRAWN.get(usize::from(byte[0] % 32)).map_or('A', |byte| char::from(*byte))
    };
    pattern.chars().map(|c| if c == '#' { character() } else { c }).collect()
}

/// A voucher, and codes of it to be given out.
pub type Pool = (SmolStr, Vec<SmolStr>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::contact::ContactId;

    #[test]
    fn drawn_codes_have_the_form_of_their_pattern() {
        let id = |number| MessageId { contact: ContactId(1), number };
        let one = drawn("CART-######", b"the secret of a store in memory.", "cart10", id(1), 0);
        assert!(
            one.starts_with("CART-") && one.len() == 11 && one.bytes().skip(5).all(|b| DRAWN.contains(&b)),
            "{one}"
        );
        assert_eq!(one, drawn("CART-######", b"the secret of a store in memory.", "cart10", id(1), 0));
        for (number, draw) in [(1, 1), (2, 0)] {
            assert_ne!(one, drawn("CART-######", b"the secret of a store in memory.", "cart10", id(number), draw));
        }
    }
}
