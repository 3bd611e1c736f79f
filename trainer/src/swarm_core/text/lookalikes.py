"""Letters that look like a Latin letter or a digit: tables for `swarm_core.text.canonical_text`.

Source: the confusable characters of Unicode Technical Standard 39 (confusables.txt, Unicode 15), reduced to single
letters of all scripts that no compatibility form resolves. The small capitals, and the small letters whose capital
looks like a Latin capital, are added.

Limits: pairs of ASCII characters are left out, so `0` and `O` stay different, and `1`, `l` and `I` too. Letters of
living Latin alphabets are left out; `swarm_core.text.letter_i` reads the Turkish `ı`.
"""

LOOKALIKES = {
    "3": "Зз",
    "a": "ɑΑαАаᎪᴀꓮᗅ𖽀𐊠",
    "b": "ʙΒВЬвᏏᏴꓐꞴᑲᖯᗷ𐊂𐊡𐌁",
    "c": "СсᏟᴄⲤⲥꓚꮯ𐐕𐐽𐊢𐌂𐔜",
    "d": "ԁᎠᏧᴅꓒꓓᑯᗞᗪ",
    "e": "ΕεЕеҽᎬᴇꓰꬲⴹ𑢦𑢮𐊆",
    "f": "ϜքẝꓝꜰꞘꞙꬵᖴ𑣂𑢢𐊇𐊥𐔥",
    "g": "ƍɡɢԌցᏀᏳᶃꓖ",
    "h": "ʜΗНнһհᎻᏂⲎꓧᕼ𐋏",
    "i": "ɪΙιІіӀӏᎥⲒꓲꙇꭵ𑣃",
    "j": "ͿϳЈјᎫᴊꓙꞲᒍ",
    "k": "ΚκКкᏦᴋⲔꓗᛕ𐔘",
    "l": "ǀʟᏞⳐꓡ𐐛ⵏᛁ𖼨𐊊𐌉ᒪ𖼖𑢣𑢲𐔦",
    "m": "ΜϺМмᎷᴍⲘꓟᗰᛖ𐊰𐌑",
    "n": "ɴΝηոռⲚꓠ𐔓",
    "o": "ΟοσОоՕօᴏᴑⲞⲟꓳꬽ𐐄𐐬ჿഠဝ𐓪𑣈𑣗ⵔዐଠ𐓂𑢵𐊒𐊫𐔖",
    "p": "ΡρРрᏢᴘⲢⲣꓑᑭ𐊕",
    "q": "ԛգզꞯⵕ",
    "r": "ƦʀᎡᏒᴦⲅꓣꭇꭈꮁг𐒴ᖇ𖼵",
    "s": "ЅѕՏᏕᏚꓢꜱꮪ𐐠𐑈𑣁𖼺𐊖",
    "t": "ΤτТтᎢᴛⲦꓔ𖼊𑢼𐊗𐊱𐌕",
    "u": "υՍսᴜꓴꞟꭎꭒ𐓶𑣘ሀ𐓎ᑌ𖽂𑢸",
    "v": "νѴѵᏙᴠꓦꮩ𑜆𑣀ⴸᐯꛟ𖼈𑢠𐔝",
    "w": "ɯωѡԜԝաᎳᏔᴡꓪꮃ𑜊𑜎𑜏",
    "x": "ΧχХхⲬꓫꞳᕁᕽⵝᚷ𐊐𐊴𐌗𐔧",
    "y": "ʏΥγУуҮүᎩᎽᶌỿⲨꓬꭚყ𑣜𖽃𑢤𐊲",
    "z": "ΖᏃᴢꓜꮓ𑣄𑢩",
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
