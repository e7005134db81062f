//! Names of people: the same agent has the same name in every simulation, whatever the seed.

use std::collections::BTreeMap;

const FIRST: [&str; 40] = [
    "Amara",
    "Jonas",
    "Mei",
    "Diego",
    "Priya",
    "Lukas",
    "Fatima",
    "Owen",
    "Sofia",
    "Kwame",
    "Ingrid",
    "Rafael",
    "Yuki",
    "Nadia",
    "Tomás",
    "Grace",
    "Emil",
    "Leila",
    "Marcus",
    "Chloé",
    "Arjun",
    "Hanna",
    "Mateo",
    "Zofia",
    "Idris",
    "Clara",
    "Kenji",
    "Aisha",
    "Felix",
    "Noor",
    "Oliver",
    "Valentina",
    "Samuel",
    "Anika",
    "Hugo",
    "Thandi",
    "Pavel",
    "Elena",
    "Ravi",
    "Maya",
];

const LAST: [&str; 53] = [
    "Okafor",
    "Lindqvist",
    "Tanaka",
    "Moreno",
    "Sharma",
    "Weber",
    "Haddad",
    "Hughes",
    "Rossi",
    "Mensah",
    "Berg",
    "Almeida",
    "Sato",
    "Petrova",
    "Novák",
    "Thompson",
    "Jensen",
    "Rahimi",
    "Bennett",
    "Dubois",
    "Patel",
    "Virtanen",
    "Herrera",
    "Kowalska",
    "Bello",
    "Schneider",
    "Mori",
    "Khan",
    "Keller",
    "Aziz",
    "Wright",
    "Costa",
    "Cohen",
    "Larsen",
    "Martin",
    "Dlamini",
    "Horák",
    "Popescu",
    "Iyer",
    "Fischer",
    "O'Brien",
    "Nguyen",
    "Silva",
    "Andersson",
    "Murphy",
    "Yilmaz",
    "Castillo",
    "Park",
    "Osei",
    "Laurent",
    "Kaya",
    "Walsh",
    "Ferrari",
];

/// A person: login id and full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `first.last` in plain lower-case letters, numbered where it occurs again.
    pub login: String,
    /// Full name.
    pub name: String,
}

/// The first `count` people.
pub fn people(count: usize) -> Vec<Person> {
    let mut logins: BTreeMap<String, u32> = BTreeMap::new();
    // The lengths of both lists have no common factor: all pairs come before one comes again.
    let named = |index: usize| (FIRST[index % FIRST.len()], LAST[index % LAST.len()]);
    (0..count)
        .map(|index| {
            let (first, last) = named(index);
            let plain = format!("{}.{}", plain(first), plain(last));
            let times = logins.entry(plain.clone()).or_default();
            *times += 1;
            let login = if *times == 1 { plain } else { format!("{plain}{times}") };
            Person { login, name: format!("{first} {last}") }
        })
        .collect()
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphabetic());
    let letters = letters.flat_map(char::to_lowercase).map(|letter| match letter {
        'á' => 'a',
        'é' => 'e',
        other => other,
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn logins_are_plain_and_nobody_shares_one() {
        let people = people(10_000);
        let logins: BTreeSet<&str> = people.iter().map(|person| &*person.login).collect();
        assert_eq!(logins.len(), 10_000);
        assert!(logins.iter().all(|login| {
            login.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.')
        }));
        assert_eq!(people[0], Person { login: "amara.okafor".into(), name: "Amara Okafor".into() });
    }
}
