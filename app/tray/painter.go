//go:build !darwin || cgo

package tray

import (
	"context"
	"reflect"

	"fyne.io/systray"
)

// painter makes the system's menu equal to a Menu. All its methods but listen belong to one goroutine.
type painter struct {
	slots   []*slot
	tooltip string
	icon    Icon
	light   bool
}

// slot is the place of one item of layout. A changing item has two faces: when what it means changes, the other one
// shows it, so that a click on what was seen a moment ago still means what was seen.
type slot struct {
	place
	faces   []*face
	current int
}

// face is one item of the system's menu.
type face struct {
	item *systray.MenuItem
	// clicks is the item's channel, with room: systray drops a click when nobody is waiting for it.
	clicks   chan struct{}
	label    string
	disabled bool
	checked  bool
	visible  bool
	do       Action // what it said last
}

// manyClicks is how many clicks on one item are kept until they are read. They take no memory.
const manyClicks = 1 << 16

// newPainter makes every item, hidden. The system must be ready for that, and no other items be made.
func newPainter() *painter {
	p := &painter{}
	p.add(nil, layout)
	return p
}

func (p *painter) add(parent *systray.MenuItem, places []place) {
	for _, pl := range places {
		if pl.id == "" {
			addDivider(parent)
			continue
		}
		s := &slot{place: pl}
		p.slots = append(p.slots, s)
		s.faces = append(s.faces, newFace(parent, pl))
		if pl.changing {
			s.faces = append(s.faces, newFace(parent, pl))
		}
		p.add(s.faces[0].item, pl.children)
	}
}

func addDivider(parent *systray.MenuItem) {
	if parent == nil {
		systray.AddSeparator()
		return
	}
	parent.AddSeparator()
}

func newFace(parent *systray.MenuItem, pl place) *face {
	f := &face{item: newItem(parent, pl.check), clicks: make(chan struct{}, manyClicks)}
	f.item.ClickedCh = f.clicks
	f.item.Hide()
	return f
}

func newItem(parent *systray.MenuItem, check bool) *systray.MenuItem {
	switch {
	case parent != nil:
		return parent.AddSubMenuItem("", "")
	case check:
		return systray.AddMenuItemCheckbox("", "", false)
	}
	return systray.AddMenuItem("", "")
}

// paint shows m. Only what differs from before is handed to the system.
func (p *painter) paint(m Menu, light bool) {
	for _, s := range p.slots {
		s.show(find(m.Items, s.id))
	}
	if tip := m.Tooltip; tip != p.tooltip {
		systray.SetTooltip(tip)
		p.tooltip = tip
	}
	if m.Icon != p.icon || light != p.light {
		setIcon(m.Icon, light)
		p.icon, p.light = m.Icon, light
	}
}

// repaint makes the next painting hand over icon and tooltip, whatever was shown before.
func (p *painter) repaint() { p.icon, p.tooltip = "", "" }

func (s *slot) show(item *Item) {
	if item == nil {
		for _, f := range s.faces {
			f.hide()
		}
		return
	}
	if f := s.faces[s.current]; s.changing && f.do.Kind != "" && item.Do.Kind != "" && f.do != item.Do {
		f.hide()
		s.current = 1 - s.current
	}
	s.faces[s.current].show(*item)
}

func (f *face) hide() {
	if f.visible {
		f.item.Hide()
		f.visible = false
	}
}

// show also makes the face visible. What a hidden face said last stays valid for a click that comes late; the agent
// judges whether it can still be done.
func (f *face) show(item Item) {
	label := item.Label
	if item.Reason != "" {
		label += " (" + item.Reason + ")"
	}
	if label = escape(label); label != f.label {
		f.item.SetTitle(label)
		f.label = label
	}
	f.able(item.Disabled)
	f.check(item.Checked)
	if item.Do.Kind != "" {
		f.do = item.Do
	}
	if !f.visible {
		f.item.Show()
		f.visible = true
	}
}

func (f *face) able(disabled bool) {
	switch {
	case disabled && !f.disabled:
		f.item.Disable()
	case !disabled && f.disabled:
		f.item.Enable()
	}
	f.disabled = disabled
}

func (f *face) check(checked bool) {
	switch {
	case checked && !f.checked:
		f.item.Check()
	case !checked && f.checked:
		f.item.Uncheck()
	}
	f.checked = checked
}

// listen hands every click to t, in the order of each item, until ctx ends.
func (p *painter) listen(ctx context.Context, t *tray) {
	var faces []*face
	cases := []reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())},
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(systray.TrayOpenedCh)},
	}
	for _, s := range p.slots {
		for _, f := range s.faces {
			faces = append(faces, f)
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(f.clicks)})
		}
	}
	for {
		switch chosen, _, _ := reflect.Select(cases); chosen {
		case 0:
			return
		case 1:
			t.post(ctx, func() { t.opened(ctx) })
		default:
			f := faces[chosen-2]
			t.post(ctx, func() { t.click(ctx, f.do) })
		}
	}
}
