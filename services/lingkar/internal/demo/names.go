package demo

var givenNames = []string{
	"Siti", "Budi", "Dewi", "Agus", "Rina", "Joko", "Putri", "Hendra", "Maya", "Rizky", "Ayu", "Bayu", "Citra", "Dimas",
	"Eka", "Fajar", "Gita", "Hadi", "Indah", "Kevin", "Lestari", "Made", "Nadia", "Oscar", "Ratna", "Surya", "Tania",
	"Umar", "Vina", "Wahyu", "Yusuf", "Zahra", "Ketut", "Komang", "Wayan", "Ningsih", "Anwar", "Bagus", "Intan", "Melati",
}

var familyNames = []string{
	"Rahayu", "Santoso", "Wijaya", "Pratama", "Lestari", "Nugroho", "Kusuma", "Hidayat", "Saputra", "Siregar", "Nasution",
	"Simatupang", "Gunawan", "Halim", "Setiawan", "Permata", "Susanto", "Utami", "Wibowo", "Tanuwijaya", "Hartono",
	"Maharani", "Situmorang", "Purnama", "Anggraini", "Firmansyah", "Handayani", "Iskandar", "Kurniawan", "Manurung",
}

var cities = []struct{ name, province string }{
	{"Bandung", "Jawa Barat"}, {"Jakarta", "DKI Jakarta"}, {"Surabaya", "Jawa Timur"}, {"Yogyakarta", "DI Yogyakarta"},
	{"Denpasar", "Bali"}, {"Medan", "Sumatera Utara"}, {"Makassar", "Sulawesi Selatan"}, {"Semarang", "Jawa Tengah"},
}

var companyNames = []string{
	"Kafe Senja", "Hotel Merdeka Raya", "PT Cahaya Nusantara", "Warung Kopi Pojok", "Kantor Bersama Dago", "Restoran Bumi Sangkuriang",
	"PT Samudra Logistik", "Toko Roti Matahari", "Klinik Sehat Sentosa", "Universitas Parahyangan Timur", "CV Tani Makmur Gayo", "PT Mesin Espresso Indonesia",
}

// What was said, by channel: a title and a body.
type said struct{ title, body string }

var conversations = map[string][]said{
	"in person": {
		{"Asked for a tasting in the shop", "Tried the Gayo and the Toraja side by side and took a bag of each."},
		{"Brought a grinder in", "The burrs are worn; we showed how to change them."},
	},
	"phone": {
		{"Asked when the order arrives", "Told the courier's number and the day of delivery."},
		{"Called about a machine for the office", "Twelve people, two litres a day; wants an offer for rental and for purchase."},
	},
	"email": {
		{"Question on wholesale prices", "Please send me your prices from 20 kg a month on, with delivery to Jakarta."},
		{"Thanks for the quick help", "The new gasket fits. Thank you!"},
	},
	"web": {
		{"Asked for the brochure", "Left the address on the web site to get the brochure of machines."},
		{"Changed the subscription to every two weeks", "The household drinks more coffee than it thought."},
	},
	"chat": {
		{"How fine for a V60?", "Medium; about like kitchen salt. Sent the link to the guide."},
		{"Is the shop open on Sunday?", "Yes, from nine to five."},
	},
	"mobile": {
		{"Scanned the loyalty card in the app", "Asked how many points are left."},
		{"Answered the reminder by text message", "Yes, please send the same beans again."},
	},
	"letter": {
		{"Sent the warranty card of a machine", "Serial number and date of purchase are on the card."},
		{"Wrote to cancel the newsletter", "Prefers to be called."},
	},
}

var complaints = []said{
	{"Beans arrived stale", "The bag was roasted ten weeks ago and tastes flat. I would like another one."},
	{"Machine leaks at the boiler", "There is water under the machine every morning since last week."},
	{"Wrong size delivered", "I ordered one kilogram and got four bags of 250 grams, ground."},
	{"Invoice shows the old address", "Please send it again with the address in Denpasar."},
	{"The grinder stops by itself", "After ten seconds it stops and blinks red."},
	{"Courier did not ring", "The parcel went back although somebody was at home all day."},
}
