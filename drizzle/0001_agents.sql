CREATE TABLE "agents" (
	"id" text PRIMARY KEY NOT NULL,
	"agent_id" text NOT NULL,
	"owner_key_id" text NOT NULL,
	"share" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "agents_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_owner_key_id_client_keys_id_fk" FOREIGN KEY ("owner_key_id") REFERENCES "public"."client_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "agents_active_agent_id_index" ON "agents" USING btree ("agent_id") WHERE "agents"."revoked_at" is null;