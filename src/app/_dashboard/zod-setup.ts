/**
 * Imported before any schema is made: zod compiles object parsers with `new Function`, which the page's content security
 * policy forbids. Without this it falls back by itself, but not without a violation report.
 */
import { z } from "zod";

z.config({ jitless: true });
