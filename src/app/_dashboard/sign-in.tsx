"use client";

import { useEffect, useRef, useState, type FormEvent } from "react";
import { BrandMark } from "../../components/ui/brand-mark.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Field } from "../../components/ui/field.tsx";
import { Notice } from "../../components/ui/notice.tsx";
import { signIn, type SignInOutcome } from "./admin-client.ts";
import styles from "./sign-in.module.css";

/** Asks for the admin key. The key lives in the input only, and is gone from the page once it was accepted. */
export function SignIn({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const [error, setError] = useState<string>();
  const [pending, setPending] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => input.current?.focus(), []);

  const submit = async (): Promise<void> => {
    const key = input.current?.value.trim() ?? "";
    setPending(true);
    setError(undefined);
    const problem = key === "" ? "Enter the admin key." : await trySignIn(key);
    setPending(false);
    if (problem === undefined) {
      onSignedIn();
      return;
    }
    setError(problem);
    input.current?.focus();
    input.current?.select();
  };

  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (!pending) void submit();
  };

  return (
    <Notice>
      <h1>
        <BrandMark /> Sign in to Codewise
      </h1>
      {/* POST keeps the key out of the address bar should a browser ever submit the form by itself. */}
      <form method="post" className={styles["form"]} onSubmit={onSubmit} noValidate>
        {/* Password managers file a secret under a name. */}
        <input type="text" name="username" autoComplete="username" defaultValue="admin" hidden readOnly />
        <Field
          ref={input}
          label="Admin key"
          hint={
            <>
              The value of <code>CODEWISE_ADMIN_KEY</code>, or the key that the proxy printed when it first started.
            </>
          }
          error={error}
          type="password"
          name="password"
          autoComplete="current-password"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={512}
          required
        />
        <Button look="primary" type="submit" aria-disabled={pending}>
          {pending ? "Signing in…" : "Sign in"}
        </Button>
        <p className={styles["lost"]}>
          Lost it? Stop the proxy and run <code>npm run keys -- reset-admin</code>, or set{" "}
          <code>CODEWISE_ADMIN_KEY</code>.
        </p>
      </form>
    </Notice>
  );
}

async function trySignIn(key: string): Promise<string | undefined> {
  const outcome = await signIn(key).catch(() => undefined);
  return outcome === undefined ? "The proxy does not answer. Is it running?" : describe(outcome);
}

function describe(outcome: SignInOutcome): string | undefined {
  if (outcome.kind === "signed-in") return undefined;
  if (outcome.kind === "wrong-key") return "This is not the admin key.";
  if (outcome.kind === "failed") return `The proxy could not sign you in (status ${outcome.status}).`;
  return outcome.retryAfterSeconds === undefined
    ? "Too many attempts. Wait a little before the next one."
    : `Too many attempts. Try again in ${outcome.retryAfterSeconds} s.`;
}
