"""Letters that look like a Latin letter or a digit: tables for `swarm_core.text.canonical_text`.

Source: the confusable characters of Unicode Technical Standard 39 (confusables.txt, Unicode 15), reduced to single
letters of the scripts Latin, Cyrillic, Greek, Coptic, Armenian, Cherokee, Lisu and Deseret that no compatibility form
resolves. The small capitals, and the small letters whose capital looks like a Latin capital, are added.

Limits: pairs of ASCII characters are left out, so `0` and `O` stay different, and `1`, `l` and `I` too. Letters of
living Latin alphabets, such as the Turkish `ı`, and other scripts are left out.
"""

LOOKALIKES = {
    "3": "Зз",
    "a": "ɑΑαАаᎪᴀꓮ",
    "b": "ʙΒВЬвᏏᏴꓐꞴ",
    "c": "СсᏟᴄⲤⲥꓚꮯ𐐕𐐽",
    "d": "ԁᎠᏧᴅꓒꓓ",
    "e": "ΕεЕеҽᎬᴇꓰꬲ",
    "f": "ϜքẝꓝꜰꞘꞙꬵ",
    "g": "ƍɡɢԌցᏀᏳᶃꓖ",
    "h": "ʜΗНнһհᎻᏂⲎꓧ",
    "i": "ɪΙιІіӀӏᎥⲒꓲꙇꭵ",
    "j": "ͿϳЈјᎫᴊꓙꞲ",
    "k": "ΚκКкᏦᴋⲔꓗ",
    "l": "ǀʟᏞⳐꓡ𐐛",
    "m": "ΜϺМмᎷᴍⲘꓟ",
    "n": "ɴΝηոռⲚꓠ",
    "o": "ΟοσОоՕօᴏᴑⲞⲟꓳꬽ𐐄𐐬",
    "p": "ΡρРрᏢᴘⲢⲣꓑ",
    "q": "ԛգզꞯ",
    "r": "ƦʀᎡᏒᴦⲅꓣꭇꭈꮁ",
    "s": "ЅѕՏᏕᏚꓢꜱꮪ𐐠𐑈",
    "t": "ΤτТтᎢᴛⲦꓔ",
    "u": "υՍսᴜꓴꞟꭎꭒ",
    "v": "νѴѵᏙᴠꓦꮩ",
    "w": "ɯωѡԜԝաᎳᏔᴡꓪꮃ",
    "x": "ΧχХхⲬꓫꞳ",
    "y": "ʏΥγУуҮүᎩᎽᶌỿⲨꓬꭚ",
    "z": "ΖᏃᴢꓜꮓ",
}
"""The letters that look like each Latin letter, in the case as written. Used for words that also have Latin letters."""

CASELESS = {
    "3": "з", "a": "аα", "b": "вβ", "c": "с", "e": "еε", "h": "нη", "i": "іι", "j": "ј", "k": "кκ", "m": "мμ", "n": "ν",
    "o": "оο", "p": "рρ", "s": "ѕ", "t": "тτ", "x": "хχ", "y": "уυ", "z": "ζ",
}  # fmt: skip
"""The small letters that look like each Latin letter, or whose capital does. Used for words without Latin letters. No
two letters of one script have the same entry, so two words of one script stay different."""


def invert(table: dict[str, str]) -> dict[int, str]:
    """Return a table for `str.translate`: each letter of `table` to its entry."""
    return {ord(letter): plain for plain, letters in table.items() for letter in letters}


TO_LATIN = invert(LOOKALIKES)
TO_LATIN_CASELESS = invert(CASELESS)
