package standalone

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// resumeChild is the environment variable that makes the test binary a child that restores, and tells its progress.
const resumeChild = "CODITECT_TEST_RESUME"

// resumeJob is what the child does.
type resumeJob struct {
	URL, To, Notes string
	Plan           app.RestorePlan
}

func TestMain(m *testing.M) {
	if job := os.Getenv(resumeChild); job != "" {
		if err := resumeInChild([]byte(job)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func resumeInChild(text []byte) error {
	var job resumeJob
	if err := json.Unmarshal(text, &job); err != nil {
		return err
	}
	ctx := context.Background()
	target, err := OpenTarget(ctx, TargetConfig{URL: job.URL})
	if err != nil {
		return err
	}
	_, err = NewReplica(ReplicaConfig{Target: target, User: twinUser, Machine: "m1"}).Resume(ctx, job.Plan, job.To, job.Notes, func(done, _ int64) {
		fmt.Println(done)
	})
	return errors.Join(err, target.Close())
}

// inFlight is what a kill may cost: the slabs that were read and not written, and what is between two tellings.
const inFlight = (slabCount+1)*slabBytes + progressStep

// TestResumeAfterKills kills a process that restores at random places, again and again, until one comes to its end. What
// the last one reads is at most what was missing, and what was in the memory of those that were killed.
func TestResumeAfterKills(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	r := newResumable(t, fileTarget(t), 8000)
	total := r.plan.Bytes
	for round := range killRounds {
		r.place()
		reached := int64(0)
		for kills := 0; reached < total*3/4 && kills < 12; kills++ {
			was := reached
			reached = max(reached, r.killed(reached+rnd.Int64N(total-reached)))
			if reached < was {
				t.Fatalf("round %d: came to %d after %d", round, reached, was)
			}
		}
		had, fetched, err := r.resumed(t.Context(), nil)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		r.exact()
		if missing := total - reached; fetched > missing+inFlight || had < reached-inFlight {
			t.Errorf("round %d: came to %d of %d; then had %d and fetched %d, at most %d were to be", round, reached, total, had, fetched, missing+inFlight)
		}
	}
}

// killed starts a child and kills it when it has come to a place. It tells the place that was heard of last; the child may
// have come further, and to its end.
func (r *resumable) killed(at int64) (reached int64) {
	r.t.Helper()
	job, err := json.Marshal(resumeJob{r.target.URL(), r.to, r.notes, r.plan})
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), resumeChild+"="+string(job))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &reached); err != nil {
			r.t.Errorf("the child says %q", lines.Text())
		}
		if reached >= at {
			break
		}
	}
	_ = cmd.Process.Kill() // it may be done
	_ = cmd.Wait()         // killed or done
	return reached
}
