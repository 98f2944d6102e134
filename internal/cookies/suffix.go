package cookies

import (
	"slices"
	"strings"
)

// PublicSuffix reports whether domain is one of the common names below which anybody can register a domain:
// browsers silently drop a cookie for it (RFC 6265 §5.3, step 5). If it returns false, domain may still be
// one: the whole list has about 10,000 names and changes every week.
func PublicSuffix(domain string) bool {
	return slices.Contains(strings.Fields(publicSuffixes), strings.ToLower(strings.TrimPrefix(domain, ".")))
}

// publicSuffixes are the common second-level domains of registries, and those of hosting services. Each was
// in the Public Suffix List of Debian 12 in November 2026 (https://publicsuffix.org).
const publicSuffixes = `
com.ar edu.ar gob.ar net.ar org.ar ac.at co.at gv.at or.at com.au edu.au gov.au id.au net.au org.au
com.bo com.br edu.br gov.br net.br org.br ac.cn com.cn edu.cn gov.cn net.cn org.cn com.co edu.co gov.co
net.co org.co co.cr com.cy com.do com.ec com.eg com.es nom.es org.es asso.fr com.fr gouv.fr com.gh
com.gr com.gt com.hk edu.hk gov.hk net.hk org.hk co.hu ac.id co.id go.id my.id or.id web.id ac.il co.il
gov.il net.il org.il ac.in co.in edu.in firm.in gov.in net.in org.in co.it edu.it gov.it ac.jp co.jp
go.jp ne.jp or.jp co.ke or.ke ac.kr co.kr go.kr ne.kr or.kr re.kr com.kw com.lk com.mt com.mx edu.mx
gob.mx net.mx org.mx com.my edu.my gov.my net.my org.my com.ng org.ng ac.nz co.nz govt.nz net.nz org.nz
com.pa com.pe com.ph net.ph org.ph com.pk com.pl edu.pl gov.pl net.pl org.pl com.pt com.py com.ro com.sa
com.sg edu.sg gov.sg net.sg org.sg com.sv ac.th co.th go.th in.th or.th com.tr edu.tr gen.tr gov.tr
net.tr org.tr com.tw edu.tw gov.tw idv.tw net.tw org.tw co.tz com.ua gov.ua in.ua net.ua org.ua co.ug
ac.uk co.uk gov.uk ltd.uk me.uk net.uk nhs.uk org.uk plc.uk com.uy com.ve com.vn net.vn org.vn ac.za
co.za gov.za net.za org.za web.za

appspot.com azurestaticapps.net azurewebsites.net bitbucket.io blogspot.com cleverapps.io cloudapp.net
cloudfront.net cloudfunctions.net com.de com.ru ddns.net deno.dev duckdns.org elasticbeanstalk.com
eu.org firebaseapp.com fly.dev framer.app ghost.io github.io gitlab.io glitch.me hasura.app
herokuapp.com js.org myshopify.com netlify.app ngrok.io no-ip.org now.sh ondigitalocean.app onrender.com
pages.dev pantheonsite.io pythonanywhere.com readthedocs.io repl.co run.app s3.amazonaws.com
streamlit.app supabase.co trycloudflare.com ts.net vercel.app web.app wixsite.com workers.dev
`
