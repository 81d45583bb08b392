package header

// dayPartOf knows the parts of the day as phones print them, in the form of cutter.word.
func dayPartOf(word []byte) dayHalf {
	switch string(word) {
	case "aamulla", "aamup", "aamupäivällä", "alfajiri", "am", "ap", "asub", "asubuhi", "atm", "aðmorgni", "aðnóttu", "bn",
		"damadrugada", "damanhã", "damañá", "de", "dienag", "dieoggend", "dimattina", "dimineața", "dinotte", "do", "dop", "dopol",
		"dopoldan", "dopoledne", "dopoludnia", "dumat", "dumatin", "délelőtt", "ekuseni", "emëngjesit", "enatës", "entathakusa",
		"eparadites", "ertalab", "fh", "fm", "form", "gh", "goizald", "goizaldeko", "goizeko", "goöň", "günortadanöň", "hajnal",
		"hommikul", "hoseng", "isuk", "madrugada", "manhã", "mat", "matin", "matinada", "matí", "mañana", "moies", "mor", "morg",
		"morgens", "mrg", "nachts", "naktis", "natt", "ngumaga", "norīta", "n’ụtụtụ", "omformiddagen", "ommorgenen", "omnatten",
		"pagi", "paradite", "pd", "pg", "priekšp", "priešpiet", "przedpoł", "przedpołudniem", "påformiddagen", "påförm",
		"påförmiddagen", "påmorg", "påmorgenen", "påmorgonen", "pånatta", "pånatten", "rano", "reggel", "rn", "rytas", "ráno", "sa",
		"sabah", "safiya", "sf", "subah", "sáng", "tengahmalam", "to", "ujutro", "ujutru", "vm", "vorm", "vormittags", "ybore",
		"zjut", "zjutraj", "Àárọ̀", "ÖÖ", "öö", "öğledenönce", "öň", "πμ", "πρωί", "τοπρωί", "ТО", "дп", "наутро", "ночі", "ноќе",
		"преподне", "претпл", "претпладне", "проб", "прпоб", "ранку", "сутринта", "таңғы", "тң", "утра", "ујутру", "эрталаб",
		"эртеңменен", "эртңмн", "үө", "өглөө", "առավոտյան", "առվ", "գիշերը", "գիշերվա", "գշր", "կա", "בבוקר", "בוקר", "לפנה\"צ",
		"לפנה״צ", "לפנותבוקר", "פֿאַרמיטאָג", "بامداد", "بن", "ص", "صباحا", "صباحًا", "صبح", "صبحمیں", "غم", "فجرًا", "فيالصباح",
		"فيالمساء", "قبلدوپہر", "قظ", "ليلاً", "منتصفالليل", "نیمهشب", "چب", "چۈشتىنبۇرۇن", "पहाट", "पूर्वाह्न", "बिहान", "भोर",
		"मपू", "सकाळ", "सुबह", "পূর্বাহ্ণ", "পূর্বাহ্ন", "পূৰ্বাহ্ন", "ভোর", "ভোরবেলায়", "সকাল", "সকালবেলায়", "ਪੂਦੁ", "ਸਵੇਰੇ",
		"સવારે", "அதிகாலை", "கா", "காலை", "முற்பகல்", "ఉదయం", "పూర్వాహ్నం", "ಪೂರ್ವಾಹ್ನ", "ಬೆಳಗ್ಗೆ", "പുലർച്ചെ", "രാവിലെ", "උදේ",
		"පා", "පාන්දර", "පෙව", "මැ", "මැදියමටපසු", "ก่อนเที่ยง", "เช้า", "ในตอนเช้า", "ກ່ອນທ່ຽງ", "ຕອນເຊົ້າ", "སྔ་དྲོ་", "နံနက်",
		"დილ", "დილით", "ቅቀ", "በሌሊት", "ጥዋት", "ᏌᎾᎴ", "ព្រឹក", "’snachts", "’sochtends", "上午", "上晝", "凌晨", "午前", "早", "早上", "早晨", "朝",
		"朝早", "清晨", "새벽", "아침", "오전":
		return forenoon
	case "abends", "aft", "akşam", "akşamüstü", "alasiri", "apm", "arrats", "arratsaldeko", "atnight", "aðkvöldi", "ch", "chiều",
		"danoite", "datarde", "delpomeriggio", "del’apm", "dieaand", "diemiddag", "dipomeriggio", "disera", "dopahar", "du",
		"dusoir", "délután", "ebusuku", "eguerd", "eguerdiko", "eh", "em", "embrëmjes", "epasdites", "este", "etterm", "eve",
		"gaueko", "gd", "gosoň", "günortadansoň", "illalla", "iltap", "iltapäivällä", "iluntz", "iluntzeko", "in", "ip", "jioni",
		"kechqurun", "kveld", "malam", "mch", "mchana", "md", "minnos", "mittags", "nachm", "nachmittags", "navečer", "nggabi",
		"nghapon", "night", "nit", "nm", "noche", "noite", "nomë", "nomëttes", "ntambama", "n’abali", "n’abalị", "odp", "odpoledne",
		"omaftenen", "omeftermiddagen", "pasdite", "petang", "pm", "pn", "pop", "popiet", "popietė", "popodne", "popol", "popoldan",
		"popoludní", "popoł", "popołudniu", "poslijepodne", "ptg", "ptm", "pärastlõunal", "påefterm", "påeftermiddagen",
		"påettermiddagen", "påkvelden", "påkvällen", "pēcp", "pēcpusd", "pēcpusdienā", "seara", "shaam", "soir", "sore", "soň",
		"síðdegis", "tarda", "tarde", "tengahhari", "thapama", "tk", "tối", "uveče", "vakaras", "vakarā", "vespre", "več", "večer",
		"wengi", "wiecz", "wieczorem", "yamma", "ym", "yprynhawn", "yrhwyr", "zveč", "zvečer", "Ös", "õhtul", "ös", "öğledensonra",
		"απόγ", "μεσημ", "μμ", "τοαπόγευμα", "τομεσημέρι", "ТК", "веч", "вечера", "вечерта", "вечора", "дня", "кечинде", "кечк",
		"кечқурун", "кешкі", "навечер", "орой", "попл", "попладне", "поподне", "пп", "следобед", "слоб", "тк", "түстенкейінгі",
		"түшткйн", "түштөнкийин", "увече", "уподне", "үх", "өдөр", "երեկոյան", "երկ", "կհ", "ցերեկը", "ցերեկվա", "ցրկ", "אחה\"צ",
		"אחה״צ", "אחרהצהריים", "בערב", "בצהריים", "נאָכמיטאָג", "ערב", "צהריים", "بظ", "بعدازچاشت", "بعدالظهر", "بعددوپہر", "دن",
		"دوپہر", "دوپہرمیں", "سہپہر", "شام", "شاممیں", "شب", "عصر", "غو", "م", "مساء", "مساءً", "چك", "چۈشتىنكېيىن", "अपरान्ह",
		"अपराह्न", "दु", "दुपार", "दोपहर", "बेलुकी", "मउ", "शाम", "सं", "संध्याकाळ", "साँझ", "सांझ", "অপরাহ্ণ", "অপরাহ্ন",
		"অপৰাহ্ন", "দুপুর", "দুপুরবেলায়", "বিকাল", "সন্ধ্যা", "সন্ধ্যাবেলায়", "ਦੁਪਹਿਰੇ", "ਬਾਦੁ", "ਸ਼ਾਮੀਂ", "બપોરે", "સાંજે",
		"அந்திமா", "அந்திமாலை", "பிற்", "பிற்பகல்", "மதி", "மதியம்", "மா", "மாலை", "అపరాహ్నం", "మధ్యాహ్నం", "సాయంత్రం", "ಅಪರಾಹ್ನ",
		"ಮಧ್ಯಾಹ್ನ", "ಸಂಜೆ", "ഉച്ചതിരിഞ്ഞ്", "ഉച്ചയ്ക്ക്", "വൈകുന്നേരം", "സന്ധ്യ", "දවල්", "පව", "රෑ", "හවස", "ค่ำ", "บ่าย",
		"หลังเที่ยง", "เย็น", "ในตอนเย็น", "ຕອນທ່ຽງ", "ຕອນບ່າຍ", "ຕອນແລງ", "ຫຼັງທ່ຽງ", "ཕྱི་དྲོ་", "ညနေ", "နေ့လယ်", "ნაშუადღ",
		"ნაშუადღევს", "საღ", "საღამოს", "በምሽት", "ከሰዓት", "ድቀ", "ᏒᎯᏱᎢ", "ᏒᎯᏱᎢᏗᏢ", "នៅពេលរសៀល", "ល្ងាច", "Ọ̀sán", "’savonds",
		"’smiddags", "下午", "下晝", "傍晚", "午后", "午後", "夕", "夕方", "黃昏", "黄昏", "낮", "오후", "저녁":
		return afternoon
	case "adhuhuri", "amiază", "canoldydd", "delmediodía", "domediodía", "dél", "emesditës", "emini", "hádegi", "keskip",
		"keskipäivällä", "keskpäeval", "kunduzi", "laamiază", "madhyanh", "mediodía", "mezzogiorno", "midday", "midi", "migdia",
		"nap", "napol", "napoludnie", "noon", "opold", "opoldne", "perpiet", "podne", "pol", "poledne", "pusd", "pusdienlaikā",
		"siang", "trưa", "tushpayti", "wpoł", "wpołudnie", "öğle", "кундузи", "наобяд", "напл", "напладне", "подне", "полд",
		"полдень", "тушпайти", "түскі", "чактүш", "чт", "үддунд", "կեսօր", "կեսօրին", "بعدازظهر", "ظهر", "ظهرًا", "मध्यान्ह", "நண்",
		"நண்பகல்", "ഉച്ച", "මධ්යාහ්නය", "เที่ยง", "မွန်းတည့်", "შუადღ", "შუადღეს", "ቀትር", "ᎢᎦ", "ថ្ងៃត្រង់", "中午", "午間", "午间", "昼",
		"正午", "정오":
		return midday
	case "夜晚", "晚上", "晚間", "晚间":
		return evening
	case "gece", "kechasi", "naktī", "noaptea", "noću", "ponoći", "ponoči", "raat", "usiku", "vnoci", "wnocy", "yöllä", "éjjel",
		"öösel", "đêm", "βράδυ", "τοβράδυ", "кечаси", "ночи", "ноћу", "презнощта", "түн", "түнгі", "түничинде", "шөнө", "בלילה",
		"לילה", "رات", "راتمیں", "रा", "रात", "रात्र", "রাত্রি", "রাত্রিবেলায়", "ਰਾਤੀਂ", "રાત્રે", "இர", "இரவு", "రాత్రి",
		"ರಾತ್ರಿ", "രാത്രി", "กลางคืน", "ກາງຄືນ", "ຕອນກາງຄືນ", "ღამ", "ღამით", "午夜", "半夜", "夜", "夜中", "夜裏", "夜裡", "夜里", "夜間", "夜间",
		"子夜", "深夜", "真夜中", "밤", "자정":
		return night
	}
	return noPart
}
