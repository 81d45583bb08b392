package whatsapp

// serviceLines are what phones print in each language, and what it means.
func serviceLines() map[string]map[string]string {
	const (
		create, add, left = `<Ann> create/create_group =Farm`, `<Ann> invite/add +Bob`, `<Ann> leave/leave`
		kick, title       = `<Ann> kick/remove +Bob`, `<Ann> title/change_subject =Field`
		icon, number      = `<Ann> other/change_icon`, `<Ann> other/change_number`
		code, notice      = `<> other/security_code +Bob`, `<> notice/encryption`
		voice, video      = `<> call/missed_voice_call`, `<> call/missed_video_call`
	)
	return map[string]map[string]string{
		"en": {
			"Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, can read or listen to them. Tap to learn more.": notice,
			`Ann created group "Farm"`: create, `You created group “Farm”`: `<(you)> create/create_group =Farm`,
			"Ann changed the group name to “Plot “seven””": "<Ann> title/change_subject =Plot “seven”", "Ann changed the subject from “Farm” to “Field”": title,
			"Ann added Bob": add, "Ann added Bob, Carl and Dora": "<Ann> invite/add +Bob +Carl +Dora", "You were added": "<> invite/add +(you)",
			"Ann left": left, "Ann removed Bob": kick, "Ann joined using this group's invite link": "<Ann> join/join_by_link",
			`Ann changed the subject from "Back to Farm" to "Field"`: title, "Ann changed this group's icon": icon,
			"+49 170 1 changed to +49 170 2":                          "<+49 170 1> other/change_number =+49 170 2",
			"Your security code with Bob changed. Tap to learn more.": code,
			"Missed voice call":                                       voice, "Missed video call at 10:00": video, "Ann did what nobody knows yet": "<> other/",
		},
		"ru": {
			"Сообщения и звонки защищены сквозным шифрованием. Третьи лица, включая WhatsApp, не могут прочитать ваши сообщения или прослушать звонки. Подробнее": notice,
			"Ann создал(-а) группу «Farm»": create, "Вы создали группу “Farm”": `<(you)> create/create_group =Farm`,
			"Ann добавил(а) Bob": add, "Ann добавил(-а) вас": "<Ann> invite/add +(you)",
			"Ann добавил(-а) Bob и Carl": "<Ann> invite/add +Bob +Carl", "Ann вышел(-ла)": left, "Ann покинул(-а) группу": left,
			"Ann удалил(-а) Bob": kick, "Ann изменил(-а) тему с «Farm» на «Field»": title, "Ann изменил(-а) иконку группы": icon,
			"Ann сменил(-а) номер телефона. Нажмите, чтобы написать":    number,
			"Ваш код безопасности с контактом Bob изменился. Подробнее": code, "Пропущенный аудиозвонок": voice, "Пропущенный видеозвонок": video,
		},
		"de": {
			"Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats kann sie lesen oder anhören, nicht einmal WhatsApp. Tippe, um mehr zu erfahren.": notice,
			"Ann hat die Gruppe „Farm“ erstellt": create, "Ann hat Bob hinzugefügt": add, "Ann hat dich hinzugefügt": "<Ann> invite/add +(you)",
			"Du hast Bob hinzugefügt": "<(you)> invite/add +Bob", "Ann hat die Gruppe verlassen": left, "Ann hat Bob entfernt": kick,
			"Ann hat den Betreff von „Farm“ zu „Field“ geändert": title, "Ann hat das Gruppenbild geändert": icon,
			"Ann hat zu +49 2 gewechselt": number + " =+49 2", "Deine Sicherheitsnummer für Bob hat sich geändert. Tippe, um mehr zu erfahren.": code,
			"Verpasster Sprachanruf": voice, "Verpasster Videoanruf": video,
		},
		"es": {
			"Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie fuera de este chat, ni siquiera WhatsApp, puede leerlos ni escucharlos.": notice,
			`Ann creó el grupo "Farm"`: create, "Ann añadió a Bob": add, "Ann te añadió": "<Ann> invite/add +(you)", "Ann salió del grupo": left,
			"Ann eliminó a Bob": kick, `Ann cambió el asunto de "Farm" a "Field"`: title, "Ann cambió el ícono de este grupo": icon,
			"Ann cambió su número de teléfono": number, "Cambió tu código de seguridad con Bob": code, "Llamada perdida": voice, "Videollamada perdida": video,
			`Creaste el grupo "Farm"`: `<(you)> create/create_group =Farm`,
		},
		"pt": {
			"As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta e ficam somente entre você e os participantes desta conversa.": notice,
			`Ann criou o grupo "Farm"`: create, "Ann adicionou Bob": add, "Ann adicionou você": "<Ann> invite/add +(you)", "Ann saiu": left,
			"Ann removeu Bob": kick, `Ann mudou o assunto de "Farm" para "Field"`: title, "Ann mudou a imagem do grupo": icon,
			"Ann mudou para +55 2": number + " =+55 2", "Seu código de segurança com Bob mudou. Toque para saber mais.": code,
			"Chamada de voz perdida": voice, "Chamada de vídeo perdida": video,
		},
		"fr": {
			"Les messages et les appels sont chiffrés de bout en bout. Aucun tiers, pas même WhatsApp, ne peut les lire ou les écouter.": notice,
			"Ann a créé le groupe «\u00a0Farm\u00a0»": create, "Ann a ajouté Bob": add, "Ann vous a ajouté(e)": "<Ann> invite/add +(you)",
			"Ann a quitté le groupe": left, "Ann a retiré Bob": kick, "Ann a changé le sujet de “Farm” à “Field”": title,
			"Ann a changé l’icône du groupe": icon, "Ann a changé de numéro de téléphone": number,
			"Votre code de sécurité avec Bob a changé. Appuyez pour en savoir plus.": code, "Appel vocal manqué": voice, "Appel vidéo manqué": video,
		},
		"it": {
			"I messaggi e le chiamate sono crittografati end-to-end. Nessuno al di fuori di questa chat, nemmeno WhatsApp, può leggerne il contenuto.": notice,
			`Ann ha creato il gruppo "Farm"`: create, "Ann ha aggiunto Bob": add, "Ann ti ha aggiunto": "<Ann> invite/add +(you)",
			"Ann ha abbandonato": left, "Ann ha rimosso Bob": kick, `Ann ha cambiato l'oggetto da "Farm" a "Field"`: title,
			"Ann ha cambiato l'immagine del gruppo": icon, "Ann ha cambiato numero di telefono": number,
			"Il tuo codice di sicurezza con Bob è cambiato. Tocca per saperne di più.": code, "Chiamata vocale persa": voice, "Videochiamata persa": video,
		},
		"tr": {
			"Mesajlar ve aramalar uçtan uca şifrelidir. WhatsApp da dahil olmak üzere bu sohbetin dışında bulunan hiç kimse okuyamaz.": notice,
			`Ann, "Farm" grubunu oluşturdu`: create, "Ann, Bob kişisini ekledi": add, "Ann sizi ekledi": "<Ann> invite/add +(you)", "Ann ayrıldı": left,
			"Ann, Bob kişisini çıkardı": kick, `Ann konuyu "Field" olarak değiştirdi`: title, "Ann bu grubun simgesini değiştirdi": icon,
			"Ann telefon numarasını değiştirdi": number, "Bob ile aranızdaki güvenlik kodu değişti. Daha fazla bilgi edinmek için dokunun.": code,
			"Cevapsız sesli arama": voice, "Cevapsız görüntülü arama": video,
		},
		"nl": {
			"Berichten en gesprekken worden end-to-end versleuteld. Niemand buiten deze chat kan ze lezen of beluisteren, zelfs WhatsApp niet.": notice,
			"Berichten en oproepen worden end-to-end versleuteld. Niemand buiten deze chat kan ze lezen of beluisteren, zelfs WhatsApp niet.":   notice,
			`Ann heeft de groep "Farm" gemaakt`: create, "Ann heeft Bob toegevoegd": add, "Ann heeft u toegevoegd": "<Ann> invite/add +(you)",
			"Ann heeft de groep verlaten": left, "Ann heeft Bob verwijderd": kick, `Ann heeft het onderwerp gewijzigd van "Farm" in "Field"`: title,
			"Ann heeft de groepsafbeelding gewijzigd": icon, "Ann is overgestapt op +31 2": number + " =+31 2",
			"Uw beveiligingscode voor Bob is gewijzigd. Tik voor meer informatie.": code, "Gemist spraakgesprek": voice, "Gemist videogesprek": video,
		},
		"ar": {
			"الرسائل والمكالمات مُشفَّرة تمامًا بين الطرفين. لا أحد خارج هذه الدردشة: ولا حتى واتساب": notice,
			"قام Ann بإنشاء المجموعة \"Farm\"": create, "قام Ann بإضافة Bob": add, "Ann أضافك": "<Ann> invite/add +(you)",
			"تمت إضافة Bob": "<> invite/add +Bob", "غادر Ann": left, "Ann غادر": left, "غادر Ann المجموعة": left, "قام Ann بإزالة Bob": kick,
			"انضم Ann باستخدام رابط دعوة هذه المجموعة": "<Ann> join/join_by_link", "غيَّر Ann اسم المجموعة إلى \"Field\"": title,
			"مكالمة صوتية فائتة": voice, "مكالمة فيديو فائتة": video,
		},
		"ko": {
			"메시지와 통화는 종단간 암호화되어 안전하게 보호됩니다. 이 대화에 참여한 사람만 읽을 수 있습니다. 더 알아보기.": notice,
			`Ann님이 "Farm" 그룹을 만들었습니다`: create, `Ann님이 "Farm"그룹을 만들었습니다`: create,
			`회원님이 "Farm" 그룹을 만들었습니다`: `<(you)> create/create_group =Farm`,
			"Ann님이 Bob님을 추가했습니다":     add, "Ann님이 회원님을 추가했습니다": "<Ann> invite/add +(you)",
			"Ann님이 Bob님, Carl님을 추가했습니다": "<Ann> invite/add +Bob +Carl", "Ann님이 나갔습니다": left, "Ann님이 Bob님을 내보냈습니다": kick,
			"Ann님이 초대 링크를 사용하여 참여했습니다": "<Ann> join/join_by_link", "부재중 음성 통화": voice, "부재중 영상통화": video,
		},
	}
}
