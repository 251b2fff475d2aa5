// A sign-in in the person's browser, begun here and followed until its end.
import { api, Failure, failureOf } from './api/client';
import type { Login, LoginRequest } from './api/types';
import { words } from './words';

export class SignIn {
  login = $state.raw<Login | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** When it was found where to sign in. */
  found = $state.raw<Date | null>(null);
  readonly #done: (login: Login) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #left = false;
  // Which attempt the answers are of: those of one before say nothing more.
  #attempt = 0;

  constructor(done: (login: Login) => void) { this.#done = done; }

  begin(req: LoginRequest): void {
    clearTimeout(this.#timer);
    this.#attempt++;
    [this.login, this.failure, this.found] = [null, null, null];
    void this.#ask(async () => {
      const begun = await api.login(req);
      this.found = new Date();
      return begun;
    });
  }

  /** Gives up what goes on. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#attempt++;
    const waiting = this.login?.state === 'waiting';
    [this.login, this.failure] = [null, null];
    if (waiting) void api.cancelLogin().catch(() => undefined);
  }

  /** The page is left. */
  leave(): void {
    this.#left = true;
    this.cancel();
  }

  async #ask(question: () => Promise<Login>): Promise<void> {
    const mine = this.#attempt;
    try {
      const answer = await question();
      if (mine !== this.#attempt) return;
      this.login = answer;
      if (answer.error) this.failure = new Failure(answer.error);
      else if (answer.state === 'done') this.#done(answer);
      else if (answer.state === 'idle') this.failure = new Failure({ code: 'canceled', message: words.cloud.signIn.failedLead });
      else if (!this.#left) this.#timer = setTimeout(() => void this.#ask(api.loginState), 1_000);
    } catch (e) {
      if (mine === this.#attempt) this.failure = failureOf(e);
    }
  }
}
