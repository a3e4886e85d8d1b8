namespace Hem.Results.Reports;

/// <summary>The page's style sheet.</summary>
internal static class ReportStyle
{
    public const string Css =
        """
        :root{color-scheme:light dark;--paper:#ffffff;--ink:#1f2328;--muted:#636a72;--rule:#d9dbde;
        """ + """
        --faint:#f4f4f2;--link:#0b5c95;--warn:#8a4b00;--warnpaper:#fff6e5;--warnrule:#e6b45c}
        @media (prefers-color-scheme:dark){:root{--paper:#17191c;--ink:#e6e6e3;--muted:#a0a5ab;--rule:#3a3d42;
        """ + """
        --faint:#1f2226;--link:#7cc0f2;--warn:#ffd08a;--warnpaper:#2b2416;--warnrule:#8a6a2c}
        .f{fill:var(--d)}.s{stroke:var(--d)}.p,.o{fill:var(--paper)}.h{stroke:var(--paper)}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);
        """ + """
        font:16px/1.55 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
        main{max-width:820px;margin:0 auto;padding:40px 30px 64px}
        a{color:var(--link)}
        .over{margin:0 0 6px;color:var(--muted);font-size:15px}
        .over b{color:var(--ink);font-weight:600}
        h1{margin:0 0 14px;font-size:27px;line-height:1.28;font-weight:650;letter-spacing:-.012em;text-wrap:pretty}
        h1.many{font-size:22px}
        ul.answers{list-style:none;margin:0 0 14px;padding:0;font-size:18px;line-height:1.4}
        ul.answers li{padding:7px 0;border-top:1px solid var(--rule)}
        .facts{margin:0 0 8px;color:var(--muted);font-size:14px}
        .partial{margin:18px 0 0;padding:10px 14px;border-left:3px solid var(--warnrule);
        """ + """
        background:var(--warnpaper);color:var(--warn);font-size:15px}
        h2{margin:52px 0 0;padding-top:18px;border-top:2px solid var(--ink);font-size:22px;font-weight:650}
        h3{margin:38px 0 10px;font-size:16px;font-weight:650}
        figure{margin:0}
        figure svg{display:block;width:100%;height:auto}
        figcaption,.note{margin:8px 0 0;color:var(--muted);font-size:13.5px;line-height:1.5;max-width:72ch}
        .axes{position:relative}
        .axes>input{position:absolute;opacity:0;pointer-events:none}
        .axes>label{display:inline-block;margin:0 14px 10px 0;padding:1px 0;
        """ + """
        color:var(--muted);font-size:14px;cursor:pointer;border-bottom:2px solid transparent}
        .axes>span{color:var(--muted);font-size:14px;margin-right:10px}
        .axes>input:checked+label{color:var(--ink);border-bottom-color:var(--ink)}
        .axes>input:focus-visible+label{outline:2px solid var(--link);outline-offset:2px}
        .axes .curve{display:none}
        .axes>.a0:checked~figure .c0,.axes>.a1:checked~figure .c1,.axes>.a2:checked~figure .c2{display:block}
        .wide{overflow-x:auto}
        table{width:100%;border-collapse:collapse;font-size:14.5px;line-height:1.4;font-variant-numeric:tabular-nums lining-nums}
        th{padding:6px 12px 6px 0;border-bottom:1.5px solid var(--ink);text-align:left;font-weight:600;vertical-align:bottom}
        td{padding:6px 12px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
        th:last-child,td:last-child{padding-right:0}
        th.n{text-align:right}
        td.n{text-align:right;white-space:nowrap}
        td.w{white-space:nowrap}
        td.q{color:var(--muted)}
        td.bad{color:var(--warn)}
        td.wrap{overflow-wrap:anywhere;min-width:10em}
        td.state{min-width:9em}
        details{margin:14px 0 0;border-top:1px solid var(--rule);padding-top:10px}
        summary{cursor:pointer;font-weight:600;font-size:15px}
        details p,details li{font-size:14.5px;max-width:72ch}
        details table{margin-top:10px}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:10px 0 0;font-size:14.5px}
        dt{color:var(--muted)}
        dd{margin:0;overflow-wrap:anywhere}
        @media (max-width:640px){main{padding:24px 16px 48px}h1{font-size:23px}table{font-size:13.5px}td,th{padding-right:10px}}
        @media print{main{padding:0}.axes>label,.axes>span{display:none}figure,tr{break-inside:avoid}}
        """;
}
