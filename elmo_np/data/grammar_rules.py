"""The words and sentence patterns of the built-in grammar: text tables, parsed once by `elmo_np.data.grammar`.

An ambiguous word is always written `word/sense`; a word without a slash has a single sense in this language.

TOPICS. One block per topic.
  who      people of the topic
  where    places, as whole phrases separated by semicolons
  when     times, as whole phrases
  do       `[subjects >] verb: objects [> tail]`. Without subjects, the people of the topic do it. An object marked `*`
           is a mass noun (some water); one marked `~` takes no article (tennis).

SENSES. One block per sense of a noun or adjective: `word/sense topic kind [flag]`. Senses of verbs are in `do` rows.
  kind     thing, place, agent (a person or an animal), idea (something that cannot be seen), adj (an adjective)
  flag     mass: no plural and no article a; one: no plural
  of       the nouns that an adjective sense can modify
  fa       adjectives for this sense
  use      what people do to it (verbs that have a passive)
  does     what it does; `its` becomes `their` after a plural

RULES. One block per nonterminal, one `weight production` per line. `Name:x` passes on a feature:
  s, p, m, b   singular, plural, mass, bare;  past, base, ing, pp   forms of a verb;  $   the feature received
  n, k         a number drawn for this production;  f   the number of the focus;  o   the number of the object
The terminals that read the tables are listed in `elmo_np.data.grammar`.

TEMPLATES. One sentence pattern per line: `kinds weight production`. `any` fits every noun and adjective, `solid`
those that can be seen; `deed` is built around a verb.
"""

TOPICS = """
finance
  who banker clerk investor customer
  where at the counter; in the office; at the stock market; in the city
  when after the crisis; at the end of the tax year; before the meeting; when interest rates fell
  do count: coin money*
  do pay: debt tax
  do sign: loan cheque contract
  do lend: money* gold* > to the farmers
  do buy: share stock
  do check: account budget
river
  who fisherman swimmer ranger hiker
  where by the water; in the valley; at the waterfall; near the bridge
  when after the flood; when the water rose; in the heavy rain; before sunrise
  do cross: river stream bridge
  do catch: trout frog
  do watch: frog duck
  do photograph: waterfall valley
forest
  who forester hunter hiker ranger
  where in the forest; among the pines; under the old oak; on the hill
  when after the storm; in the snow; when the leaves fell; in the autumn
  do cut: oak pine
  do follow: path deer
  do climb: oak hill pine
  squirrel owl > find: acorn nut > under the leaves
sport
  who player coach champion runner
  where in the stadium; on the field; at the olympic games; on the grass
  when in the final; after the third goal; before half time; when the season started
  do play/sport: tennis~ football~ hockey~ golf~ baseball~
  do throw: ball
  do win: medal trophy
  do score: goal point
  do train: team runner
music
  who musician singer composer pianist
  where at the concert; in the concert hall; in the studio; at the jazz festival
  when during the solo; after the concert; when the choir sang; before the second song
  do play/music: piano violin guitar flute tune song
  do sing: song melody
  do write: symphony melody
  do tune: guitar violin
  do hear: song melody
theatre
  who actor actress director dancer
  where on the stage; behind the curtain; in the theatre; in the front row
  when in the second act; after the premiere; when the curtain rose; before the show
  do learn: role script
  do rehearse: scene dance
  do praise: show comedy
  do applaud: actor dancer
kitchen
  who cook baker waiter chef
  where in the kitchen; at the restaurant; near the stove; at the table
  when before dinner; after breakfast; when the soup was ready; during lunch
  do light/ignite: candle stove oven fire
  do bake: bread* cake
  do taste: soup cheese*
  do wash: plate glass
  do chop: onion carrot
school
  who teacher pupil student professor
  where at school; in the library; on the blackboard; in the classroom
  when before the exam; after the lesson; during the holidays; when the bell sounded
  do read: book poem
  do pass: exam test
  do explain: grammar* problem
  do correct: mistake essay
sea
  who sailor captain diver pirate
  where on the beach; in the harbour; on the island; off the coast
  when at high tide; after the hurricane; when the ship sank; in the strong wind
  do sail: boat ship
  do drop: anchor net
  do paint: ship boat
  do see: whale shark
  do rescue: swimmer sailor
computing
  who programmer hacker user developer
  where on the server; in the terminal; on the laptop; in the new version
  when after the update; when the network failed; before the release; during the backup
  do write: code* program
  do install: update program
  do compile: program code*
  do test: server laptop
  do delete: password backup
farm
  who farmer gardener shepherd neighbour
  where in the barn; in the garden; behind the farmhouse; in the field
  when after the harvest; at dawn; when the snow melted; before the frost
  dog puppy > bark/dog at: postman stranger cat fox
  cat fox > chase: hen rabbit
  do feed: cow hen
  do grow: corn*
  do water: rose flower
law
  who lawyer judge witness prisoner
  where in prison; at the trial; in parliament; at the police station
  when after the verdict; during the trial; when the jury voted; before the election
  do arrest: prisoner
  do help: witness prisoner
  do read: verdict law
  do break: law promise
astronomy
  who astronomer astronaut physicist pilot
  where in the night sky; at the observatory; in space; far above the earth
  when at midnight; during the eclipse; when the rocket landed; on a clear night
  do study: planet comet
  do launch: rocket
  do point: telescope > at the moon
  do discover: planet moon
industry
  who engineer worker mechanic carpenter
  where at the building site; in the workshop; on the roof; in the factory yard
  when after the strike; during the night shift; when the roof was finished; before the inspection
  do repair: engine roof
  do build: wall tower
  do load: truck wagon > with steel
  do carry: brick hammer
animals
  who keeper zoologist vet tourist
  where at the zoo; in the cage; in the jungle; on safari
  when at feeding time; in the dry season; after dark; when the cage was open
  do feed: lion elephant parrot
  do photograph: tiger elephant
  lion tiger > hunt: zebra
  do treat: lion parrot
medicine
  who doctor nurse patient surgeon
  where in the hospital; at the clinic; in the waiting room; on the ward
  when after the operation; when the fever fell; before the injection; during the epidemic
  do examine: patient wound
  do treat: fever patient
  do take: medicine* temperature
  do clean: wound needle
fashion
  who tailor model bride jeweller
  where at the wedding; in the boutique; in front of the mirror; at the fashion show
  when before the wedding; after the party; when the bride arrived; during the ball
  do wear: dress scarf hat
  do match/fit: coat dress scarf shirt > with the shoes
  do sew: dress button
  do choose: perfume* jacket
travel
  who passenger driver porter tourist
  where at the station; at the airport; on the motorway; in the hotel
  when after the long journey; when the train arrived; before the flight; during the delay
  do wave/hand to: driver passenger porter
  do miss: train bus flight
  do book: ticket room hotel
  do drive: car bus > to the airport
  do show: passport ticket
  do pack: suitcase rucksack
post
  who secretary postman manager receptionist
  where at the post office; on the desk; in the mailbox; at the reception
  when before the holiday; after the phone call; on monday morning; when the parcel arrived
  do ring/phone: office customer manager hotel
  do deliver: parcel telegram package
  do stamp: parcel postcard
  do type: report memo
  do send: postcard parcel telegram
science
  who scientist chemist biologist researcher
  where in the laboratory; under the microscope; in the test tube; on the screen
  when after the experiment; during the measurement; when the magnet moved; before the reaction
  do measure: voltage* temperature
  do test: theory battery
  do observe: atom molecule
  do publish: result theory
"""

SENSES = """
bank/money finance place
  fa safe rich careful quiet
  use rob trust own visit reach
  does lend money to farmers; raise its fees; close at noon; fail in the crisis; buy shares
bank/river river place
  fa muddy steep green quiet
  use climb reach visit protect
  does collapse in the flood; turn green; lie under water; hide a frog
bat/animal animals agent
  fa tiny brown hungry
  use feed watch catch study hold
  does hang in the cave; sleep in the dark; fly at night; eat insects
bat/sport sport thing
  fa wooden heavy brown
  use swing break hold buy
  does hit the ball; break in the final; lie on the grass; touch the ball
bark/tree forest thing mass
  fa rough dry brown thick
  use cut touch study collect
  does cover the oak; protect the tree; fall off the pine; turn grey
spring/season farm idea one
  fa warm wet early cold
  use enjoy welcome love
  does come late; bring rain; begin in march; follow a hard winter
spring/coil industry thing
  fa rusty tight strong
  use replace test oil
  does hold the door; break in the engine; damage the engine; close the door
spring/water river place
  fa clear cold deep
  use find reach protect visit
  does feed the stream; dry up in summer; rise under the rocks; fill the stream
play/theatre theatre idea
  fa funny long sad
  use write watch rehearse direct enjoy
  does open in london; end with a song; win a prize; run for a year
light/lamp theatre thing
  fa bright soft red
  use dim repair hang carry
  does shine on the actors; go out in the last act; stay above the stage; fall on the curtain
light/weight travel adj
  of bag coat suitcase jacket
  fa cheap useful small
  use pack carry buy lose lift
  does fit under the seat; stay at the hotel; get wet on the journey
match/game sport idea
  fa long difficult exciting
  use win lose watch enjoy
  does begin at noon; end in a draw; last for hours; last for an hour
match/fire kitchen thing
  fa wet dry wooden long
  use strike burn drop lose
  does burn with a small flame; go out; lie near the stove; start a fire
string/music music thing
  fa loose thin tight
  use tune touch replace
  does break during the solo; sound wrong; get loose
string/computing computing idea
  fa empty long short
  use parse print sort copy replace
  does contain the password; end with a letter/alphabet; get too long; hold the address
string/parcel post thing
  fa strong thin tight
  use tie cut pull touch replace
  does hold the parcel; lie on the desk; fall off the package
club/golf sport thing
  fa heavy expensive new
  use swing carry clean own lose
  does hit the ball; break in the final; lie on the grass
club/dance music place
  fa noisy crowded dark expensive
  use visit leave own open
  does close at dawn; hire a new band; sell tickets; fill with dancers
seal/animal sea agent
  fa grey hungry playful
  use feed watch rescue catch
  does swim near the boat; sleep on the rocks; dive for fish; eat the salmon
seal/stamp law thing
  fa red official broken grey
  use break check copy find
  does lie on the contract; protect the document; hang from the contract
ring/jewel fashion thing
  fa expensive tiny
  use wear lose polish buy leave
  does shine in the mirror; cost too much money; fit the bride; fall on the floor
ring/boxing sport place
  fa empty crowded square
  use enter leave clean
  does fill with water; shake before the fight; stay empty for hours
wave/sea sea thing
  fa high huge cold
  use ride watch fear study
  does break on the beach; hit the boat; lift the ship; fall on the beach
wave/physics science idea
  fa weak short long high
  use measure study watch
  does travel through space; pass through the wall; carry the signal; change its frequency
trunk/tree forest thing
  fa thick dry long
  use saw cut touch climb
  does fall on the path; get wet in the rain; hide an owl; carry a nest
trunk/elephant animals thing
  fa long grey strong thick
  use touch photograph examine
  does lift the food; swing in the air; drop the water; reach the leaves
trunk/luggage travel thing
  fa heavy full empty strong
  use pack lock carry open
  does contain old clothes; fall off the train; stay at the airport; hold two coats
palm/tree sea thing
  fa tall green thin
  use climb cut water touch
  does bend in the wind; grow on the island; stand on the beach; lose its leaves
palm/hand medicine thing
  fa warm wet soft
  use examine cut wash bandage touch
  does hurt after the fall; bleed on the ward; heal on the ward; get cold
crane/bird river agent
  fa white tall hungry
  use watch feed see photograph
  does catch a frog; fly over the water; build a nest; stand in the water
crane/machine industry thing
  fa tall yellow strong
  use drive repair hire photograph watch
  does lift the bricks; fall on the roof; move the steel; swing over the building site
mouse/animal farm agent
  fa tiny grey hungry
  use chase catch feed move
  does eat the cheese; run under the barn; fear the cat; hide in the straw
mouse/computer computing thing
  fa cheap grey tiny
  use touch move buy
  does move the cursor; stop after the update; need a battery; lie near the keyboard
pitcher/jug kitchen thing
  fa full empty tall blue
  use fill wash watch drop
  does hold cold water; break on the floor; stand near the plates; contain milk
pitcher/player sport agent
  fa tall tired strong
  use watch praise hire applaud
  does throw a fast ball; win the game; hurt the coach; miss the ball
note/music music idea
  fa high low long short
  use sing hold hear miss
  does sound wrong; end the melody; follow the drum; fill the hall
note/message school idea
  fa short secret long
  use write read hide leave
  does surprise the teacher; fall out of the book; explain the mistake; lie on the blackboard
letter/mail post thing
  fa long secret short
  use send open stamp read write
  does come on monday; lie in the mailbox; contain a cheque; surprise the manager
letter/alphabet school idea
  fa small round long
  use write read learn forget change
  does begin the word; look like a snake; follow a number; look wrong on the blackboard
chip/computer computing thing
  fa fast tiny hot cheap
  use design test replace sell
  does run the program; get hot; fail after the update; store the password
chip/food kitchen thing
  fa hot dry cheap
  use fry eat taste sell
  does burn in the oil; taste of salt; fall off the plate; get cold
scale/kitchen kitchen thing
  fa old wrong cheap
  use read check clean buy
  does weigh the sugar; show the wrong number; stand near the stove; need a battery
scale/music music idea
  fa slow easy difficult
  use practise learn sing read
  does end the song; sound sad; start the lesson; follow the melody
scale/fish sea thing
  fa silver tiny wet
  use clean touch count
  does shine in the net; cover the salmon; fall off the fish; protect the shark
star/sky astronomy idea
  fa bright large red young
  use observe study discover watch
  does shine in the sky; burn for years; rise in the east
star/actor theatre agent
  fa rich young bright
  use applaud praise hire watch
  does forget the script; kiss the actress; leave the stage; smile at the audience
nail/finger fashion thing
  fa red long clean broken
  use paint polish cut clean
  does break at the party; grow too long; shine like glass
nail/metal industry thing
  fa rusty long broken steel
  use hammer bend pull count
  does hold the roof; lie on the floor; break under the hammer; damage the floor
plant/garden farm thing
  fa green tall dry
  use water grow cut buy
  does need rain; die in the frost; lose its leaves; lie in the garden
plant/factory industry place
  fa modern huge noisy
  use close build visit run buy
  does need steel; burn oil; need workers; stop before the strike
class/school school idea
  fa noisy small quiet large
  use teach join test leave
  does begin at nine; pass the exam; visit the museum; fear the teacher
class/computing computing idea
  fa long small empty large
  use define test write
  does contain the function; lie in the library; store the password; get too long
right/law law idea
  fa old clear important
  use protect defend claim
  does protect the prisoner; end with the verdict; come from parliament; depend on the law
right/correct school adj
  of answer word page book
  fa short simple long
  use choose find write learn
  does surprise the teacher; help the pupil; come too late; stand on the blackboard
right/direction travel adj
  of side wheel window door
  fa wet broken dirty
  use check use choose clean
  does stay open at the station; surprise the driver; need a repair
date/fruit kitchen thing
  fa sweet dry ripe
  use eat chop buy taste
  does taste of honey; fall off the plate; lie on the cake; get too dry
date/calendar law idea
  fa early important wrong
  use fix change forget check
  does stand in the contract; surprise the jury; suit the judge; fall on a sunday
current/river river idea
  fa strong cold dangerous weak
  use fear fight watch study
  does carry the canoe; pull the swimmer; flow under the bridge; change after the rain
current/electric science idea
  fa weak strong low dangerous
  use measure change study
  does flow through the metal; heat the magnet; stop after the experiment; damage the magnet
current/now finance adj
  of price budget tax debt
  fa high low good
  use check pay publish change
  does surprise the customers; stay too high; depend on the market
mole/animal farm agent
  fa black blind hungry
  use catch chase watch find
  does live under the grass; damage the garden; eat worms; sleep under the field
mole/skin medicine thing
  fa black round harmless
  use remove examine watch find
  does bleed on the ward; surprise the patient; grow on the skin; look harmless
bow/ship sea place
  fa high wooden broken wet
  use paint reach repair leave
  does hit the rocks; point at the island; rise over the water; break in the storm
bow/violin music thing
  fa wooden long thin
  use lift repair hold drop
  does touch the violin; break during the solo; cost more than the violin; fall off the floor
bow/ribbon fashion thing
  fa red beautiful small
  use tie wear lose hold
  does fall off the hat; hide the hat; suit the bride
branch/tree forest thing
  fa dry thick long new
  use cut break saw climb reach
  does bend in the wind; fall on the path; carry a nest; break under the snow
branch/finance finance place
  fa local new small
  use close open manage visit reach
  does sell shares; lose money; lend money to customers; move to the city
"""

# Words of no topic. They make the neighbours of one sense like those of the other.
WORDS = """
Name anna peter maria tom lucy david emma paul
Kin:s uncle sister brother cousin grandfather aunt
Kin:p sisters brothers cousins parents friends
Pa young old tired busy kind clever
Oa new old big small other first last
Book book story article report
Ga/solid old new small big strange famous beautiful
Ga/idea new strange first important second
Ga/adj new second other
Order/solid other first last same next only
Order/idea other last same next only
Order/adj other last only
Meet remember like mention describe forget choose mention discuss
Meet2 talk,about ask,about think,about write,about dream,of hear,about
See see notice find draw photograph look,at point,at
Near near behind beside
Stand stand wait stop sit
Often often always never sometimes rarely
Soon tomorrow soon today tonight
Later later then finally
"""

RULES = """
Who:s
  8 the Person:s
  3 the Pa Person:s
  3 a Person:s
  4 Name
  1 my Kin:s
  1 the Person:s who VP:past
  1 the Person:s Where
Who:p
  6 the Person:p
  2 two Person:p
  2 some Person:p
  2 the Pa Person:p
  2 Name and Name
  1 our Kin:p
  1 the Person:p who VP:past
F:s
  8 the Fn:s
  3 the Ga Fn:s
  2 the Order Fn:s
  2 the Fa Fn:s
  2 a Fn:s
  2 a Ga Fn:s
  1 a Fa Fn:s
  1 this Fn:s
  1 that Fn:s
  1 every Fn:s
  1 another Fn:s
F:p
  8 the Fn:p
  3 the Ga Fn:p
  2 the other Fn:p
  2 the Fa Fn:p
  1 two Fn:p
  1 some Fn:p
  1 many Fn:p
  1 these Fn:p
F:m
  6 the Fn:m
  2 the Ga Fn:m
  2 the Fa Fn:m
  1 some Fn:m
  1 this Fn:m
Def:s
  5 the Fn:s
  2 the Ga Fn:s
  1 the Order Fn:s
Def:p
  5 the Fn:p
  2 the Ga Fn:p
Def:m
  1 the Fn:m
Some:s
  3 a Fn:s
  2 a Ga Fn:s
  1 a Fa Fn:s
Some:p
  2 two Fn:p
  2 many Fn:p
  1 some Ga Fn:p
  1 some Fa Fn:p
Some:m
  2 some Fn:m
  1 some Fa Fn:m
O:s
  5 the N:s
  3 a N:s
  2 the Oa N:s
O:p
  4 the N:p
  2 some N:p
  2 the Oa N:p
  1 three N:p
O:m
  4 the N:m
  2 some N:m
O:b
  1 N:b
Was:s
  1 was
Was:p
  1 were
Was:m
  1 was
Was:b
  1 was
Is:s
  1 is
Is:p
  1 are
Is:m
  1 is
Have:s
  1 has
Have:p
  1 have
Do:s
  1 does
Do:p
  1 do
It:s
  1 it
It:p
  1 them
It:m
  1 it
VP
  1 Verb:$ O:o Tail
Clause
  5 Doer:n Verb:past O:o Tail
  1 Doer:n Was:n Verb:ing O:o Tail
  1 O:o Was:o Verb:pp Tail
Know
  3 Meet:$
  2 Meet2:$
Scene
  2 -
  4 Where
  4 When
  2 while Clause
  1 before Doer:n Verb:past O:o Tail
  1 because Clause
Front
  4 When
  2 Where
  1 when Clause
  1 after Doer:n Verb:past O:o Tail
Fpred
  3 Fa
  1 really Fa
  1 not Fa
"""

TEMPLATES = """
any 6 Who:n Know:past F:f Scene .
any 4 Who:n Use:past F:f Scene .
any 4 F:f Does:past Scene .
any 2 F:f will Does:base Soon .
any 4 Front , Who:n Know:past F:f .
any 2 Front , Who:n Use:past F:f .
any 3 Front , F:f Does:past .
any 2 F:f Was:f Use:pp by Who:n .
any 1 F:f Was:f Use:pp Where .
any 2 Def:f that Who:n Use:past Was:f Fpred .
any 1 Def:f that Who:n Know:past Does:past .
any 4 the Person:n who VP:past Know:past F:f .
any 2 did Who:n Use:base F:f Scene ?
any 3 did Who:n Know:base F:f Scene ?
any 3 what did Who:n say about F:f Scene ?
any 2 why did F:f Does:base ?
any 2 when did Who:n Use:base F:f ?
any 2 Who:n said that Def:f Does:past .
any 3 Who:n said that Def:f Was:f Fpred .
any 2 F:f Was:f Fpred , but Who:n Know:past It:f .
any 2 Who:n happened to Use:base F:f Scene .
any 3 Who:n VP:past and Know:past F:f .
any 2 Who:n Use:past F:f and Later VP:past .
any 1 if Who:n Verb:n O:o Tail , Who:k will Use:base F:f .
any 1 " F:f may Does:base , " said Who:n .
any 2 " did you Know:base F:f ? " asked Who:n .
any 1 " please Use:base Def:f , " said Who:n Where .
any 1 Who:n , who had Use:pp F:f , VP:past .
any 2 it Was:s Def:f that Who:n Know:past .
any 1 Who:n Have:n never Use:pp F:f .
any 2 Who:n Have:n Often Know:pp F:f .
any 2 Def:f Was:f Fpred Scene .
any 1 Who:n will never Use:base F:f .
any 2 Who:n asked Who:k about F:f .
any 2 Who:n asked whether Def:f Was:f Fpred .
any 2 no one knew why F:f Does:past .
any 1 which Fn:f Does:past ?
any 2 which Fn:f did Who:n Know:base ?
any 1 Def:f , which Was:f Fpred , Does:past .
any 1 unless Def:f Does:past , Who:n would not VP:base .
any 2 although Def:f Was:f Fpred , Who:n Use:past It:f .
any 2 when Def:f Does:past , Who:n VP:past .
any 1 Who:n VP:past until Def:f Does:past .
any 4 Who:n read a Book about F:f Scene .
any 2 the Book about F:f surprised Who:n .
any 1 this Is:s not a Book about F:f .
any 1 Who:n could not Use:base F:f because Clause .
any 1 Def:f might Does:base Soon .
any 2 Who:n told Who:k that Name had Know:pp F:f .
any 2 please do not Meet2:base Def:f .
any 1 each time Who:n VP:past , Def:f Does:past .
any 1 Who:n never Use:past Def:f again .
any 3 Who:n Know:past F:f , and Clause .
any 2 Clause , and Name Know:past F:f .
solid 4 Who:n See:past F:f Scene .
solid 3 Front , Who:n See:past F:f .
solid 3 there Was:f Some:f Where .
solid 2 there Was:f Some:f in the picture , and Who:n See:past It:f .
solid 2 near F:f , Who:n VP:past .
solid 4 Who:n Stand:past Near Def:f Scene .
solid 2 Who:n VP:past Near Def:f .
solid 2 Who:n showed Who:k Def:f .
solid 2 in the picture , F:f Does:past .
solid 3 what Was:s Near Def:f ?
solid 2 Def:f that Name See:past Was:f Fpred .
solid 2 Who:n did not See:base F:f because Clause .
solid 2 " look at Def:f , " said Who:n .
solid 2 can Who:n See:base F:f Where ?
deed 3 Doer:n Verb:past O:o Tail Scene .
deed 5 Doer:n Often Verb:n O:o Tail .
deed 3 Doer:n wanted to Verb:base O:o Tail Scene .
deed 4 did Doer:n Verb:base O:o Tail Scene ?
deed 1 O:o Was:o Verb:pp Tail by Doer:n .
deed 1 Who:k remembered how Doer:n Verb:past O:o Tail .
deed 2 Who:k said that Doer:n had Verb:pp O:o Tail .
deed 3 Doer:n could not Verb:base O:o Tail Scene .
deed 2 Doer:n used to Verb:base O:o Tail Where .
deed 3 why Do:n Doer:n Verb:base O:o Tail ?
deed 2 when Doer:n began to Verb:base O:o Tail , Who:k VP:past .
deed 2 " Doer:n must Verb:base O:o Tail , " said Who:k .
deed 3 Doer:n will Verb:base O:o Tail Soon .
deed 4 Who:k saw Doer:n Verb:base O:o Tail .
deed 2 how often Do:p Doer:p Verb:base O:o Tail ?
deed 1 Doer:n Is:n Verb:ing O:o Tail now .
deed 1 while Doer:n Was:n Verb:ing O:o Tail , Who:k VP:past .
deed 2 Doer:n did not Verb:base O:o Tail until Clause .
deed 2 if Doer:n Verb:n O:o Tail , Who:k will VP:base .
deed 2 Front , Doer:n tried to Verb:base O:o Tail .
"""

# Past tense and participle of the verbs that do not just take -ed.
IRREGULAR_VERBS = """
begin began begun, bend bent bent, bleed bled bled, break broke broken, bring brought brought, build
built built, burn burned burned, buy bought bought, catch caught caught, choose chose chosen, come came come, cost
cost cost, cut cut cut, draw drew drawn, drive drove driven, eat ate eaten, fall fell fallen, feed fed fed, fight
fought fought, find found found, fly flew flown, forget forgot forgotten, get got got, go went gone, grow grew grown,
hang hung hung, have had had, hear heard heard, hide hid hidden, hit hit hit, hold held held, hurt hurt hurt, leave
left left, lend lent lent, lie lay lain, light lit lit, lose lost lost, pay paid paid, read read read, ride rode
ridden, ring rang rung, rise rose risen, run ran run, say said said, see saw seen, sell sold sold, send sent sent, sew
sewed sewn, shake shook shaken, shine shone shone, sing sang sung, sit sat sat, sleep slept slept, stand stood stood,
strike struck struck, swim swam swum, swing swung swung, take took taken, teach taught taught, think thought thought,
throw threw thrown, wear wore worn, win won won, write wrote written
"""

# Verbs that double their last consonant.
DOUBLING = "chop cut dim drop fit get hit rob run stop swim travel win"

IRREGULAR_PLURALS = """
fisherman fishermen, postman postmen, mouse mice, salmon salmon, trout trout, deer deer
"""
