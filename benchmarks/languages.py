"""How often the gate Language admits short questions in a language, and in other languages.

    .venv/bin/python benchmarks/languages.py

Prints for each confidence: of questions in whole sentences and of orders about formulas, the share that is admitted
where their language is named, and where another one of the 23 is. Items without words must be admitted
always. The questions are our own. The defaults of the gate were chosen on `QUESTIONS` and `ORDERS`.
"""

from collections.abc import Mapping, Sequence

from swarm_core import classification
from swarm_core.classification import LANGUAGE_IDENTIFIER
from swarm_core.gates.language import LanguageGate
from swarm_core.items import Item
from swarm_core.ports import Reply
from swarm_trainer.inference.language_identifier import LanguageIdentifier

CONFIDENCES = (0.05, 0.1, 0.2, 0.3, 0.5)
Texts = Mapping[str, Sequence[str]]

QUESTIONS = {
    "en": (
        "What is 97 times 98?",
        "Who wrote Hamlet?",
        "How many legs does a spider have?",
        "Name the capital of Peru.",
        "Why is the sky blue?",
        "Which planet is the largest?",
        "Is 91 a prime number?",
        "Tom has 5 apples and buys 7 more. How many has he now?",
        "When did the war end?",
        "What is the boiling point of water?",
        "Translate the word into a synonym: big",
        "Explain photosynthesis in one sentence.",
    ),
    "de": (
        "Was ist 97 mal 98?",
        "Wer schrieb Hamlet?",
        "Wie viele Beine hat eine Spinne?",
        "Nenne die Hauptstadt von Peru.",
        "Warum ist der Himmel blau?",
        "Welcher Planet ist der größte?",
        "Ist 91 eine Primzahl?",
        "Tom hat 5 Äpfel und kauft 7 dazu. Wie viele hat er jetzt?",
        "Wann endete der Krieg?",
        "Bei welcher Temperatur kocht Wasser?",
        "Nenne ein anderes Wort für groß.",
        "Erkläre die Photosynthese in einem Satz.",
    ),
    "fr": (
        "Combien font 97 fois 98 ?",
        "Qui a écrit Hamlet ?",
        "Combien de pattes a une araignée ?",
        "Quelle est la capitale du Pérou ?",
        "Pourquoi le ciel est-il bleu ?",
        "Quelle est la plus grande planète ?",
        "91 est-il un nombre premier ?",
        "Tom a 5 pommes et en achète 7. Combien en a-t-il ?",
        "Quand la guerre a-t-elle fini ?",
        "À quelle température l'eau bout-elle ?",
        "Donne un autre mot pour grand.",
        "Explique la photosynthèse en une phrase.",
    ),
    "es": (
        "¿Cuánto es 97 por 98?",
        "¿Quién escribió Hamlet?",
        "¿Cuántas patas tiene una araña?",
        "¿Cuál es la capital del Perú?",
        "¿Por qué el cielo es azul?",
        "¿Qué planeta es el más grande?",
        "¿Es 91 un número primo?",
        "Tom tiene 5 manzanas y compra 7 más. ¿Cuántas tiene ahora?",
        "¿Cuándo terminó la guerra?",
        "¿A qué temperatura hierve el agua?",
        "Di otra palabra para grande.",
        "Explica la fotosíntesis en una frase.",
    ),
    "it": (
        "Quanto fa 97 per 98?",
        "Chi ha scritto Amleto?",
        "Quante zampe ha un ragno?",
        "Qual è la capitale del Perù?",
        "Perché il cielo è blu?",
        "Qual è il pianeta più grande?",
        "91 è un numero primo?",
        "Tom ha 5 mele e ne compra altre 7. Quante ne ha ora?",
        "Quando finì la guerra?",
        "A che temperatura bolle l'acqua?",
        "Scrivi un'altra parola per grande.",
        "Spiega la fotosintesi in una frase.",
    ),
    "pt": (
        "Quanto é 97 vezes 98?",
        "Quem escreveu Hamlet?",
        "Quantas patas tem uma aranha?",
        "Qual é a capital do Peru?",
        "Por que o céu é azul?",
        "Qual é o maior planeta?",
        "91 é um número primo?",
        "Tom tem 5 maçãs e compra mais 7. Quantas ele tem agora?",
        "Quando a guerra acabou?",
        "A que temperatura a água ferve?",
        "Diga outra palavra para grande.",
        "Explique a fotossíntese em uma frase.",
    ),
    "nl": (
        "Wat is 97 keer 98?",
        "Wie schreef Hamlet?",
        "Hoeveel poten heeft een spin?",
        "Wat is de hoofdstad van Peru?",
        "Waarom is de lucht blauw?",
        "Welke planeet is de grootste?",
        "Is 91 een priemgetal?",
        "Tom heeft 5 appels en koopt er 7 bij. Hoeveel heeft hij nu?",
        "Wanneer eindigde de oorlog?",
        "Bij welke temperatuur kookt water?",
        "Noem een ander woord voor groot.",
        "Leg fotosynthese uit in één zin.",
    ),
    "pl": (
        "Ile to jest 97 razy 98?",
        "Kto napisał Hamleta?",
        "Ile nóg ma pająk?",
        "Jaka jest stolica Peru?",
        "Dlaczego niebo jest niebieskie?",
        "Która planeta jest największa?",
        "Czy 91 jest liczbą pierwszą?",
        "Tomek ma 5 jabłek i kupuje 7. Ile ma teraz?",
        "Kiedy skończyła się wojna?",
        "W jakiej temperaturze wrze woda?",
        "Podaj inne słowo na duży.",
        "Wyjaśnij fotosyntezę jednym zdaniem.",
    ),
    "tr": (
        "97 kere 98 kaç eder?",
        "Hamlet'i kim yazdı?",
        "Bir örümceğin kaç bacağı vardır?",
        "Peru'nun başkenti neresidir?",
        "Gökyüzü neden mavidir?",
        "En büyük gezegen hangisidir?",
        "91 asal sayı mıdır?",
        "Ali'nin 5 elması var, 7 tane daha alıyor. Şimdi kaç elması var?",
        "Savaş ne zaman bitti?",
        "Su kaç derecede kaynar?",
        "Büyük için başka bir kelime söyle.",
        "Fotosentezi bir cümleyle açıkla.",
    ),
    "ru": (
        "Сколько будет 97 умножить на 98?",
        "Кто написал Гамлета?",
        "Сколько ног у паука?",
        "Назови столицу Перу.",
        "Почему небо голубое?",
        "Какая планета самая большая?",
        "91 — простое число?",
        "У Тома 5 яблок, он купил ещё 7. Сколько у него теперь?",
        "Когда закончилась война?",
        "При какой температуре кипит вода?",
        "Назови другое слово для большой.",
        "Объясни фотосинтез одним предложением.",
    ),
    "zh": (
        "97乘以98等于多少？",
        "谁写了《哈姆雷特》？",
        "蜘蛛有几条腿？",
        "秘鲁的首都是哪里？",
        "天空为什么是蓝色的？",
        "最大的行星是哪一颗？",
        "91是质数吗？",
        "小明有5个苹果，又买了7个。他现在有几个？",
        "战争什么时候结束？",
        "水在多少度沸腾？",
        "说出大的近义词。",
        "用一句话解释光合作用。",
    ),
    "ja": (
        "97かける98はいくつですか。",
        "ハムレットを書いたのは誰ですか。",
        "クモの足は何本ですか。",
        "ペルーの首都はどこですか。",
        "空はなぜ青いのですか。",
        "一番大きい惑星はどれですか。",
        "91は素数ですか。",
        "トムはりんごを5個持っていて、7個買いました。今いくつありますか。",
        "戦争はいつ終わりましたか。",
        "水は何度で沸騰しますか。",
        "大きいの別の言い方は何ですか。",
        "光合成を一文で説明してください。",
    ),
    "ar": (
        "كم يساوي 97 ضرب 98؟",
        "من كتب هاملت؟",
        "كم عدد أرجل العنكبوت؟",
        "ما هي عاصمة بيرو؟",
        "لماذا السماء زرقاء؟",
        "ما هو أكبر كوكب؟",
        "هل 91 عدد أولي؟",
        "لدى أحمد 5 تفاحات واشترى 7. كم لديه الآن؟",
        "متى انتهت الحرب؟",
        "في أي درجة يغلي الماء؟",
        "اذكر كلمة أخرى بمعنى كبير.",
        "اشرح عملية البناء الضوئي في جملة.",
    ),
}
"""Questions in whole sentences, by language."""
FURTHER = {
    "sv": (
        "Hur många ben har en spindel?",
        "Vem skrev boken?",
        "Varför är himlen blå?",
        "Är 91 ett primtal?",
        "När slutade kriget?",
    ),
    "ko": (
        "거미는 다리가 몇 개입니까?",
        "누가 햄릿을 썼습니까?",
        "하늘은 왜 파란가요?",
        "91은 소수입니까?",
        "전쟁은 언제 끝났습니까?",
    ),
    "uk": (
        "Скільки ніг у павука?",
        "Хто написав Гамлета?",
        "Чому небо блакитне?",
        "Чи є 91 простим числом?",
        "Коли закінчилася війна?",
    ),
    "hi": (
        "मकड़ी के कितने पैर होते हैं?",
        "हैमलेट किसने लिखा?",
        "आकाश नीला क्यों है?",
        "क्या 91 अभाज्य संख्या है?",
        "युद्ध कब समाप्त हुआ?",
    ),
    "vi": (
        "Con nhện có mấy chân?",
        "Ai đã viết Hamlet?",
        "Tại sao bầu trời màu xanh?",
        "91 có phải là số nguyên tố không?",
        "Chiến tranh kết thúc khi nào?",
    ),
    "el": (
        "Πόσα πόδια έχει μια αράχνη;",
        "Ποιος έγραψε τον Άμλετ;",
        "Γιατί ο ουρανός είναι μπλε;",
        "Είναι το 91 πρώτος αριθμός;",
        "Πότε τελείωσε ο πόλεμος;",
    ),
    "cs": (
        "Kolik nohou má pavouk?",
        "Kdo napsal Hamleta?",
        "Proč je obloha modrá?",
        "Je 91 prvočíslo?",
        "Kdy skončila válka?",
    ),
    "id": (
        "Berapa kaki yang dimiliki laba-laba?",
        "Siapa yang menulis Hamlet?",
        "Mengapa langit berwarna biru?",
        "Apakah 91 bilangan prima?",
        "Kapan perang berakhir?",
    ),
    "ro": (
        "Câte picioare are un păianjen?",
        "Cine a scris Hamlet?",
        "De ce este cerul albastru?",
        "Este 91 un număr prim?",
        "Când s-a terminat războiul?",
    ),
    "fi": (
        "Kuinka monta jalkaa hämähäkillä on?",
        "Kuka kirjoitti Hamletin?",
        "Miksi taivas on sininen?",
        "Onko 91 alkuluku?",
        "Milloin sota päättyi?",
    ),
}
"""Questions in languages that the defaults were not chosen on."""
ORDERS = {
    "en": (
        "Solve: 2x+3=7",
        "Compute 3+4*5.",
        "Simplify \\frac{6}{8}+\\frac{1}{4}",
        "Find x: x^2=4",
        "Evaluate $\\int_0^1 x^2\\,dx$",
        "GCD of 12 and 18",
        "Factor x^2-5x+6",
        "sin x + cos x = 1. Solve.",
        "Convert 12 km to miles",
        "Round 3.14159 to 2 digits",
        "Is 12 > 7?",
        "What is H2O?",
        "List the primes below 20",
        "Find the derivative of f(x)=3x^2+2x",
        "If 3x=12, what is x?",
    ),
    "de": (
        "Löse: 2x+3=7",
        "Berechne 3+4*5.",
        "Kürze \\frac{6}{8}",
        "Finde x: x^2=4",
        "Wandle 12 km in Meter um",
        "Runde 3.14159 auf 2 Stellen",
        "Leite f(x)=3x^2+2x ab",
        "Wenn 3x=12, was ist x?",
    ),
    "fr": (
        "Résous : 2x+3=7",
        "Calcule 3+4*5.",
        "Simplifie \\frac{6}{8}",
        "Trouve x : x^2=4",
        "Convertis 12 km en mètres",
        "Arrondis 3.14159 à 2 chiffres",
        "Dérive f(x)=3x^2+2x",
        "Si 3x=12, que vaut x ?",
    ),
    "es": (
        "Resuelve: 2x+3=7",
        "Calcula 3+4*5.",
        "Simplifica \\frac{6}{8}",
        "Halla x: x^2=4",
        "Convierte 12 km a metros",
        "Redondea 3.14159 a 2 cifras",
        "Deriva f(x)=3x^2+2x",
        "Si 3x=12, ¿cuánto vale x?",
    ),
}
"""Short orders about formulas, by language."""
WITHOUT_WORDS = (
    "97×98=?",
    "97*98",
    "12+34",
    "f(x)=2x+3, f(5)=?",
    "sin(30°)=?",
    "x^2-4=0",
    "gcd(12, 18)",
    "\\frac{1}{2}+\\frac{1}{3}",
    "3, 6, 12, 24, ?",
    "(0,1) (1,2) (2,3)",
    "2x+3y=7, x-y=1",
    "log(100)",
    "12:30 - 09:45",
    "1/2 + 1/3 =",
    "10 km / 2 h",
    "5 kg + 300 g",
    "$$\\int_0^1 x^2\\,dx$$",
    "A, C, E, G, ?",
    "VII + IX",
    "$12.50 × 3",
    "😀😀😀+😀",
    "E=mc^2",
    "mod(17,5)",
    "max(3, 9, 2)",
    "H2O",
    "3! + 4!",
)


def label(identifier: LanguageIdentifier, text: str) -> list[Reply]:
    """Return what the gate would be given for a text."""
    return identifier.label([classification.build_request(LANGUAGE_IDENTIFIER, text)])


def admits(language: str, confidence: float, text: str, replies: list[Reply]) -> bool:
    """Return whether the gate for one language admits a text. `replies`: what the identifier says of it."""
    gate, item = LanguageGate((language,), confidence), Item(text)
    return gate.refusal(item, replies if gate.requests(item) else ()) is None


def format_shares(texts: Texts, confidence: float, identifier: LanguageIdentifier) -> str:
    """Return how many texts are admitted as their own language, and as the others of the list."""
    own: list[bool] = []
    others: list[bool] = []
    for language, mine in texts.items():
        for text in mine:
            replies = label(identifier, text)
            own.append(admits(language, confidence, text, replies))
            others += [admits(one, confidence, text, replies) for one in (*QUESTIONS, *FURTHER) if one != language]
    return f"own {sum(own)}/{len(own)} = {sum(own) / len(own):.1%}, others {sum(others) / len(others):.1%}"


def main() -> None:
    """Print the figures."""
    identifier = LanguageIdentifier()
    admitted = sum(admits("en", 0.2, text, label(identifier, text)) for text in WITHOUT_WORDS)
    print(f"without words: {admitted}/{len(WITHOUT_WORDS)} admitted")
    for confidence in CONFIDENCES:
        for name, texts in (("questions", QUESTIONS), ("further questions", FURTHER), ("orders", ORDERS)):
            print(f"confidence {confidence}: {name}: {format_shares(texts, confidence, identifier)}")


if __name__ == "__main__":
    main()
