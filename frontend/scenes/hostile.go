package scenes

import "github.com/coditect-ai/coditect-sync/app"

// Attacks are texts that a memory may hold and that no page may run.
var Attacks = []string{
	`<script>window.pwned=1</script>`,
	`<img src=x onerror="window.pwned=2">`,
	`"><svg onload=window.pwned=3>`,
	`<iframe srcdoc="<script>parent.pwned=4</script>"></iframe>`,
	`<a href="javascript:window.pwned=5">a</a>`,
	`{@html '<img src=x onerror=window.pwned=6>'}`,
	`{{constructor.constructor('window.pwned=7')()}}`,
	`${window.pwned=8}`,
	`'-window.pwned=9-'`,
	`</title><script>window.pwned=10</script>`,
	`</textarea><img src=x onerror=window.pwned=11>`,
	`<style>@import 'javascript:window.pwned=12';*{display:none}</style>`,
	`<math><mtext></p><img src onerror=window.pwned=13></mtext></math>`,
	`<details open ontoggle=window.pwned=14>`,
	`<input autofocus onfocus=window.pwned=15>`,
	`<base href="//example.invalid/">`,
	`<meta http-equiv="refresh" content="0;url=javascript:window.pwned=17">`,
	`<form action="javascript:window.pwned=18"><button>Restore</button></form>`,
	"\u202e<scr\u0000ipt>window.pwned=19</scr\u0000ipt>",
	`&lt;img src=x onerror=window.pwned=20&gt;<!--><img src=x onerror=window.pwned=20>-->`,
}

// hostile is a healthy machine whose every foreign text is an attack.
func hostile() Scene {
	s := base("hostile")
	s.Hostile = true
	s.Status.Machine = Attacks[1]
	s.Status.DB.Path = "/home/" + Attacks[0] + "/context.db"
	s.Status.Error = app.Errorf(app.CodeDenied, "copy", "%s", Attacks[2]).WithHint("%s", Attacks[3])
	s.Status.State, s.Status.Healthy, s.Status.Summary = app.StateError, false, Attacks[2]
	s.Settings.DB, s.Settings.Found = s.Status.DB.Path, []string{Attacks[13], Attacks[14]}
	return s
}
