//! What exercises are called, in French and English, with numbers drawn for each.

use super::chance::Chance;
use crate::domain::Titles;

/// Templates of a skill's exercises: `{a}/{b}` and `{c}/{d}` are proper fractions, `{n}` and `{m}` small whole numbers with
/// `n < m`, `{p}` a round percentage, `{q}` a quantity.
pub(super) fn exercise(skill: &str, chance: &mut Chance) -> Titles {
    let templates: &[(&str, &str)] = match skill {
        "fractions.read" => &[
            ("Quelle part du disque est coloriée : {a}/{b} ou {n}/{b} ?", "Which part of the disc is shaded: {a}/{b} or {n}/{b}?"),
            ("Placer {a}/{b} sur la droite graduée", "Place {a}/{b} on the number line"),
            ("Écrire en chiffres : {a} parts sur {b}", "Write as a fraction: {a} parts out of {b}"),
        ],
        "fractions.equivalent" => &[
            ("Compléter : {a}/{b} = ?/{B}", "Complete: {a}/{b} = ?/{B}"),
            ("Trouver une fraction égale à {a}/{b}", "Find a fraction equal to {a}/{b}"),
        ],
        "fractions.simplify" => {
            &[("Simplifier {A}/{B}", "Simplify {A}/{B}"), ("Rendre {A}/{B} irréductible", "Write {A}/{B} in lowest terms")]
        }
        "fractions.compare" => &[
            ("Comparer {a}/{b} et {c}/{d}", "Compare {a}/{b} and {c}/{d}"),
            ("Ranger {a}/{b}, {c}/{d} et 1/2 dans l'ordre croissant", "Put {a}/{b}, {c}/{d} and 1/2 in increasing order"),
        ],
        "fractions.add" => {
            &[("Calculer {a}/{b} + {c}/{d}", "Work out {a}/{b} + {c}/{d}"), ("Calculer {n} − {a}/{b}", "Work out {n} − {a}/{b}")]
        }
        "fractions.multiply" => {
            &[("Calculer {a}/{b} × {c}/{d}", "Work out {a}/{b} × {c}/{d}"), ("Prendre {a}/{b} de {q}", "Take {a}/{b} of {q}")]
        }
        "fractions.divide" => &[
            ("Calculer {a}/{b} ÷ {c}/{d}", "Work out {a}/{b} ÷ {c}/{d}"),
            ("Combien de fois {a}/{b} dans {m} ?", "How many times does {a}/{b} go into {m}?"),
        ],
        "decimals.convert" => &[
            ("Écrire {a}/{b} sous forme décimale", "Write {a}/{b} as a decimal"),
            ("Écrire 0,{p} sous forme de fraction", "Write 0.{p} as a fraction"),
        ],
        "decimals.compare" => &[
            ("Lequel est le plus grand : 0,{n} ou 0,0{m} ?", "Which is greater: 0.{n} or 0.0{m}?"),
            ("Encadrer {n},{p} par deux nombres entiers", "Between which two whole numbers is {n}.{p}?"),
        ],
        "percent.read" => &[
            ("Écrire {p} % sous forme de fraction", "Write {p}% as a fraction"),
            ("Quel pourcentage représente {a}/{b} ?", "What percentage is {a}/{b}?"),
        ],
        "percent.of" => &[
            ("Calculer {p} % de {q} €", "Find {p}% of €{q}"),
            (
                "Dans une classe de {q} élèves, {p} % font du sport : combien ?",
                "In a school year of {q} pupils, {p}% play sport: how many?",
            ),
        ],
        "percent.change" => &[
            ("Un prix de {q} € baisse de {p} % : nouveau prix ?", "A price of €{q} drops by {p}%: what is the new price?"),
            ("Une population de {q} augmente de {p} %", "A population of {q} grows by {p}%"),
        ],
        "ratio.read" => &[
            ("Écrire le rapport de {n} à {m}", "Write the ratio of {n} to {m}"),
            ("Un mélange {n} : {m} — quelle part pour le premier ?", "A {n} : {m} mix — what share is the first?"),
        ],
        "ratio.share" => &[
            ("Partager {q} € selon le rapport {n} : {m}", "Share €{q} in the ratio {n} : {m}"),
            ("Répartir {q} billes entre Léa et Tom, {n} pour {m}", "Split {q} marbles between Léa and Tom, {n} to {m}"),
        ],
        "proportion.table" => &[
            ("Compléter le tableau : {n} kg pour {q} €, {m} kg pour ?", "Complete the table: {n} kg for €{q}, {m} kg for ?"),
            ("Ce tableau est-il proportionnel : {n} → {q}, {m} → {Q} ?", "Is this table proportional: {n} → {q}, {m} → {Q}?"),
        ],
        "proportion.unit" => &[
            ("{m} stylos coûtent {q} € : prix de {n} stylos ?", "{m} pens cost €{q}: what do {n} pens cost?"),
            ("{n} litres en {m} minutes : débit par minute ?", "{n} litres in {m} minutes: how much per minute?"),
        ],
        "proportion.scale" => &[
            ("Échelle 1/{Q}00 : {n} cm sur le plan, combien en réalité ?", "Scale 1/{Q}00: {n} cm on the plan, how long in reality?"),
            ("Trouver l'échelle : {n} cm pour {q} m", "Find the scale: {n} cm for {q} m"),
        ],
        "problem" => &[
            ("Problème : la recette pour {n}, adaptée à {m} personnes", "Problem: the recipe for {n}, adapted to {m} people"),
            ("Problème : soldes à −{p} % puis {a}/{b} du prix", "Problem: {p}% off, then {a}/{b} of the price"),
            ("Problème : le réservoir rempli aux {a}/{b}, {q} km plus loin", "Problem: a tank filled to {a}/{b}, {q} km later"),
            ("Problème : partager {q} € à {n} contre {m}, dont {p} % d'épargne", "Problem: share €{q} {n} to {m}, saving {p}%"),
        ],
        other => unreachable!("no titles for {other}"),
    };
    let (fr, en) = templates[chance.below(templates.len())];
    let numbers = Numbers::draw(chance);
    Titles { fr: Some(numbers.fill(fr)), en: Some(numbers.fill(en)) }
}

struct Numbers {
    values: [(&'static str, usize); 11],
}

impl Numbers {
    fn draw(chance: &mut Chance) -> Self {
        let b = 3 + chance.below(8);
        let a = 1 + chance.below(b - 1);
        let d = 3 + chance.below(8);
        let c = 1 + chance.below(d - 1);
        let times = 2 + chance.below(4);
        let n = 2 + chance.below(4);
        let m = n + 1 + chance.below(5);
        let p = 5 * (2 + chance.below(14));
        let q = 20 * (1 + chance.below(15));
        let values = [
            ("{a}", a),
            ("{b}", b),
            ("{c}", c),
            ("{d}", d),
            ("{A}", a * times),
            ("{B}", b * times),
            ("{n}", n),
            ("{m}", m),
            ("{p}", p),
            ("{q}", q),
            ("{Q}", q * m / n),
        ];
        Self { values }
    }

    fn fill(&self, template: &str) -> String {
        self.values.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, &value.to_string()))
    }
}
