//! A journey with slips in it, a different one for each seed. Two suites read this file: that of `mend`, and that of the
//! binary's `--fix` (`tests/tests/fixes.rs`).

/// The settings of its project.
pub(crate) const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";

/// What its project declares.
pub(crate) const DECLARATIONS: &str = "\
contact { email: email phone: phone? first_name: text? country: enum { DE AT CH } = DE visits: number = 0 }
tags { lead customer vip }
event purchase { amount: money }
topic offers \"Offers and news\"
policy { sender \"Shop <hello@shop.example>\" address \"Shop GmbH, Teststr. 1, 53177 Bonn\" }
";

/// The journey as it should be.
pub(crate) const JOURNEY: &str = "\
/// Greets whoever leaves an address.
journey welcome {
  on tag lead
  where country in [DE, AT] and not has tag customer
  reenter after 90d
  exit when purchase
  topic offers
  send sms \"Hello and welcome\" as hello
  wait 3d
  if visits > 3 and phone is set {
    add tag vip
    set visits to visits + 1
  } else {
    wait until tuesday 09:00
    wait for purchase where amount > 50 EUR up to 2d else end
  }
  choose country {
    DE, AT { wait 1d }
    else { remove tag lead }
  }
  add tag customer
  end
}
";

/// Numbers that look random, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

/// The journey with slips in it, as people and merges make them.
pub(crate) fn broken(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut words: Vec<String> = JOURNEY.split_inclusive([' ', '\n']).map(str::to_owned).collect();
    for _ in 0..=random.below(4) {
        let at = random.below(words.len());
        let other = random.below(words.len());
        match random.below(8) {
            0 => drop(words.remove(at)),
            1 => words.swap(at, other),
            2 => words.insert(at, words[other].clone()),
            // Letters that change places, go or come twice.
            3 | 4 => {
                let mut letters: Vec<char> = words[at].chars().collect();
                if letters.len() > 3 {
                    let letter = 1 + random.below(letters.len() - 3);
                    match random.below(3) {
                        0 => letters.swap(letter, letter + 1),
                        1 => drop(letters.remove(letter)),
                        _ => letters.insert(letter, letters[letter]),
                    }
                    words[at] = letters.into_iter().collect();
                }
            }
            5 => words[at] = words[at].replace('_', "-").replace('"', "\u{201c}"),
            6 => words.insert(at, ["{ ", "} ", "= ", "'x' ", "2dd ", "25:00 ", "&& "][random.below(7)].to_owned()),
            _ => words[at] = words[at].to_uppercase(),
        }
    }
    words.concat()
}
