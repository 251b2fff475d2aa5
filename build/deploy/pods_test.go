package deploy

import (
	"slices"
	"strings"
	"testing"
)

// TestPodsAreRestricted holds every pod against the restricted Pod Security Standard, which the namespace enforces, and
// some more of ours.
func TestPodsAreRestricted(t *testing.T) {
	for _, overlay := range overlays {
		all, pods := objects(t, render(t, overlay)), 0
		for _, o := range all {
			pod := o.pod()
			if pod == nil {
				continue
			}
			pods++
			for _, problem := range unrestricted(pod) {
				t.Errorf("%s: %s %s: %s", overlay, o.kind(), o.name(), problem)
			}
		}
		namespace := find(t, all, "Namespace", "coditect-sync")
		if pods < 2 || namespace.at("metadata", "labels", "pod-security.kubernetes.io/enforce") != "restricted" {
			t.Errorf("%s: %d pods in %v", overlay, pods, namespace)
		}
	}
}

func TestUnrestrictedPodsAreFound(t *testing.T) {
	for _, spoil := range []func(pod, container object){
		func(pod, _ object) { pod["spec"].(object)["hostNetwork"] = true },
		func(pod, _ object) { delete(pod["spec"].(object)["securityContext"].(object), "seccompProfile") },
		func(pod, _ object) { pod["spec"].(object)["securityContext"].(object)["runAsNonRoot"] = false },
		func(pod, _ object) { pod["spec"].(object)["automountServiceAccountToken"] = true },
		func(_, c object) { c["securityContext"].(object)["allowPrivilegeEscalation"] = true },
		func(_, c object) { c["securityContext"].(object)["privileged"] = true },
		func(_, c object) { delete(c["securityContext"].(object), "capabilities") },
		func(_, c object) { delete(c["securityContext"].(object), "readOnlyRootFilesystem") },
		func(_, c object) { delete(c, "resources") },
		func(_, c object) { c["image"] = "server:latest" },
		func(pod, _ object) {
			pod["spec"].(object)["volumes"] = []any{object{"name": "root", "hostPath": object{"path": "/"}}}
		},
	} {
		pod := find(t, objects(t, render(t, "self-hosted")), "Deployment", "coditect-sync-server").pod()
		spoil(pod, pod.list("spec", "containers")[0])
		if found := unrestricted(pod); len(found) == 0 {
			t.Errorf("%v is restricted", pod)
		}
	}
}

func unrestricted(pod object) (problems []string) {
	want := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, problem)
		}
	}
	for _, shared := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		want(pod.at("spec", shared) == nil, shared)
	}
	want(pod.at("spec", "securityContext", "runAsNonRoot") == true, "it may run as root")
	want(pod.text("spec", "securityContext", "seccompProfile", "type") == "RuntimeDefault", "seccomp")
	want(pod.at("spec", "automountServiceAccountToken") == false, "it has a token of the cluster")
	for _, volume := range pod.list("spec", "volumes") {
		for source := range volume {
			want(slices.Contains([]string{"name", "secret", "configMap", "emptyDir"}, source), "a volume that is a "+source)
		}
	}
	for _, c := range pod.containers() {
		name := c.text("name") + ": "
		want(c.at("securityContext", "allowPrivilegeEscalation") == false, name+"it may gain privileges")
		want(c.at("securityContext", "privileged") == nil, name+"privileged")
		want(c.at("securityContext", "readOnlyRootFilesystem") == true, name+"it may change itself")
		drop, _ := c.at("securityContext", "capabilities", "drop").([]any)
		want(slices.Contains(drop, any("ALL")) && c.at("securityContext", "capabilities", "add") == nil, name+"capabilities")
		want(c.at("resources", "requests", "memory") != nil && c.at("resources", "limits", "memory") != nil, name+"resources")
		_, tag, _ := strings.Cut(c.text("image"), ":")
		want(tag != "" && tag != "latest" && strings.Contains(c.text("image"), "/"), name+"the image "+c.text("image"))
	}
	return problems
}

// TestSelectorsFindSomething: a Service, a policy or a budget that selects nothing says nothing, and protects nothing.
func TestSelectorsFindSomething(t *testing.T) {
	for _, overlay := range overlays {
		all := objects(t, render(t, overlay))
		var labels []object
		for _, o := range all {
			if pod := o.pod(); pod != nil {
				labels = append(labels, pod.at("metadata", "labels").(object))
			}
			if o.kind() == "Cluster" { // whose pods the operator makes
				labels = append(labels, object{"cnpg.io/cluster": o.name()})
			}
		}
		selectors := 0
		for _, o := range all {
			for _, selector := range append(o.selectors(), o.peers()...) {
				selectors++
				if !slices.ContainsFunc(labels, func(l object) bool { return matches(selector, l) }) {
					t.Errorf("%s: %s %s selects nothing with %v", overlay, o.kind(), o.name(), selector)
				}
			}
			if o.kind() == "HorizontalPodAutoscaler" {
				find(t, all, o.text("spec", "scaleTargetRef", "kind"), o.text("spec", "scaleTargetRef", "name"))
			}
		}
		if selectors < 8 {
			t.Errorf("%s: %d selectors", overlay, selectors)
		}
	}
}

// selectors are those of an object for pods, in the form of matchLabels and matchExpressions.
func (o object) selectors() []object {
	switch selector := o.at("spec", "selector").(type) {
	case object:
		if o.kind() == "Service" {
			return []object{{"matchLabels": selector}}
		}
		return []object{selector}
	}
	if selector, ok := o.at("spec", "podSelector").(object); ok {
		return []object{selector}
	}
	return nil
}

// peers are the pods of the same namespace that a network policy names.
func (o object) peers() (all []object) {
	for _, direction := range []string{"ingress", "egress"} {
		for _, rule := range o.list("spec", direction) {
			for _, peer := range append(rule.list("from"), rule.list("to")...) {
				if selector, ok := peer["podSelector"].(object); ok && peer["namespaceSelector"] == nil {
					all = append(all, selector)
				}
			}
		}
	}
	return all
}

func matches(selector, labels object) bool {
	if want, ok := selector["matchLabels"].(object); ok {
		for key, value := range want {
			if labels[key] != value {
				return false
			}
		}
	}
	for _, e := range selector.list("matchExpressions") {
		values, _ := e["values"].([]any)
		if e.text("operator") != "In" || !slices.Contains(values, labels[e.text("key")]) {
			return false
		}
	}
	return true
}

// TestEverybodyIsDeniedFirst: what a policy does not name is closed.
func TestEverybodyIsDeniedFirst(t *testing.T) {
	for _, overlay := range overlays {
		deny := find(t, objects(t, render(t, overlay)), "NetworkPolicy", "default-deny")
		selector, _ := deny.at("spec", "podSelector").(object)
		types, _ := deny.at("spec", "policyTypes").([]any)
		if len(selector) > 0 || !slices.Contains(types, any("Ingress")) || !slices.Contains(types, any("Egress")) ||
			deny.at("spec", "ingress") != nil || deny.at("spec", "egress") != nil {
			t.Errorf("%s: %v", overlay, deny)
		}
	}
}

// TestOnlyMigrationsMayChangeTheSchema: what serves never sees the address of the administrator.
func TestOnlyMigrationsMayChangeTheSchema(t *testing.T) {
	for _, overlay := range overlays {
		all := objects(t, render(t, overlay))
		for _, o := range all {
			pod := o.pod()
			if pod == nil {
				continue
			}
			admin := false
			for _, volume := range pod.list("spec", "volumes") {
				if volume.text("secret", "secretName") == "coditect-sync-database" {
					items := volume.list("secret", "items")
					admin = len(items) == 0 || slices.ContainsFunc(items, func(i object) bool { return i["key"] == "admin" })
				}
			}
			if admin != (o.name() == "coditect-sync-migrate") {
				t.Errorf("%s: %s sees it: %v", overlay, o.name(), admin)
			}
		}
	}
}
