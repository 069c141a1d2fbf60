//! The style sheet of the page.
//!
//! Invariant: colours are variables with a light and a dark value; nothing is
//! wider than a phone except inside a box that scrolls.

use crate::svg::{figure_rules, page_variables};

/// All of it.
pub(super) fn sheet() -> String {
    format!("{}{}{}", page_variables(), PAGE, figure_rules())
}

const PAGE: &str = r#"
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 Charter,'Bitstream Charter','Sitka Text',Cambria,Georgia,serif}
.top,.columns,.alone,footer{max-width:1240px;margin:0 auto;padding:0 24px}
.top{padding-top:44px;padding-bottom:20px}
.kicker,.byline,nav,.tiles,.protocol,.legend,.axes,figure .title,figcaption,table,.verdict,.svgs,.missing,footer,h3{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.kicker{margin:0;font-size:13px;letter-spacing:.02em;color:var(--muted)}
.kicker b,.byline b{font-weight:600;color:var(--ink)}
h1{margin:.25em 0 .35em;font-size:clamp(26px,4.2vw,40px);line-height:1.15;font-weight:600;letter-spacing:-.012em;text-wrap:balance;max-width:24em}
.byline{margin:0;font-size:13px;color:var(--muted)}
.byline span{display:inline-block;margin-right:1.4em}
.columns{display:grid;grid-template-columns:1fr;gap:0 48px}
nav{border-top:1px solid var(--grid);border-bottom:1px solid var(--grid);font-size:13.5px;padding:12px 0}
nav ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px}
nav a{color:var(--muted);text-decoration:none}
nav a:hover,nav a:focus{color:var(--ink);text-decoration:underline}
@media(min-width:1100px){
.columns{grid-template-columns:190px minmax(0,1fr);border-top:1px solid var(--grid)}
nav{position:sticky;top:0;align-self:start;border:0;padding:42px 0}
nav ol{display:block}nav li{margin:0 0 9px;line-height:1.35}
}
main{min-width:0}
section{padding:34px 0 14px;border-bottom:1px solid var(--grid);scroll-margin-top:8px}
section:last-child{border-bottom:0}
h2{margin:0 0 .6em;font-size:25px;line-height:1.25;font-weight:600;letter-spacing:-.008em}
h3{margin:1.2em 0 .3em;font-size:14px;font-weight:650}
main p,main ul,main ol{max-width:44em}
main p{margin:0 0 .9em}
main li{margin:.3em 0}
a{color:var(--mtl_shuffled)}
code{font-size:.9em}
.skip{position:absolute;left:-9999px}.skip:focus{left:12px;top:12px;background:var(--paper);padding:6px 10px;z-index:1}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;margin:0 0 24px;padding:1px;background:var(--grid)}
.tiles div{padding:12px 14px;background:var(--paper)}
.tiles dt{font-size:12.5px;color:var(--muted)}
.tiles dd{margin:2px 0 0;font-size:25px;font-weight:600;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tiles small{display:block;font-size:12px;font-weight:400;letter-spacing:0;color:var(--muted)}
.findings{list-style:none;margin:0 0 18px;padding:0;max-width:none!important}
.findings li{display:grid;grid-template-columns:112px 1fr;gap:14px;margin:0;padding:11px 0;border-top:1px solid var(--grid)}
.findings p{margin:0}
.findings .evidence{font-size:15px;color:var(--muted);font-variant-numeric:tabular-nums}
.verdict{font-size:12.5px;font-weight:650;padding-top:5px}
.verdict::before{display:inline-block;width:1.35em}
.yes .verdict{color:var(--oracle)}.yes .verdict::before{content:"✓"}
.no .verdict{color:var(--mtl_monkey)}.no .verdict::before{content:"✕"}
.open .verdict,.noted .verdict{color:var(--muted)}.open .verdict::before{content:"?"}.noted .verdict::before{content:"–"}
.remark{font-size:15px;color:var(--muted)}
.missing{font-size:15px;padding:12px 14px;border:1px dashed var(--axis);color:var(--muted)}
.protocol{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:0 32px;margin:0 0 20px;font-size:13.5px}
.protocol div{display:grid;grid-template-columns:128px minmax(0,1fr);gap:10px;padding:6px 0;border-top:1px solid var(--grid)}
.protocol dt{color:var(--muted)}
.protocol dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.models{margin:0 0 16px}
.models div{display:grid;grid-template-columns:128px minmax(0,1fr);gap:10px;max-width:50em;margin:0 0 4px}
.models dt{font-weight:600}.models dd{margin:0}
figure{margin:26px 0 34px}
figure .title{margin:0 0 8px;font-size:15px;font-weight:600;max-width:none}
.number{color:var(--muted);font-weight:500;margin-right:.35em}
.axes{margin:0 0 6px!important;font-size:12.5px;color:var(--muted)}
.legend{display:flex;flex-wrap:wrap;gap:3px 18px;list-style:none;margin:0 0 12px!important;padding:0;font-size:13px;max-width:none!important}
.legend li{display:flex;align-items:center;gap:6px;margin:0}
.swatch{width:22px;height:12px;flex:none}
.colours{width:260px;display:block;margin:0 0 8px -10px}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));gap:20px 18px}
.panels.middle{grid-template-columns:repeat(auto-fill,minmax(min(100%,236px),1fr))}
.panels.large{grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:24px 30px}
.panel{width:100%;height:auto;display:block;overflow:visible}
.wide{display:block;width:100%;height:auto;overflow:visible}
.narrow{display:none}
@media(max-width:640px){.wide{display:none}.narrow{display:block;width:100%;height:auto;overflow:visible}}
figcaption{margin-top:12px;font-size:13.5px;line-height:1.5;color:var(--muted);max-width:58em}
.links{display:block;margin-top:4px;font-size:12.5px}
.links>*{margin-right:1.2em}
.scroll{overflow-x:auto;max-width:100%;margin:0 0 14px;-webkit-overflow-scrolling:touch}
.scroll:focus-visible{outline:2px solid var(--mtl_shuffled);outline-offset:2px}
table{border-collapse:collapse;font-size:13.5px;line-height:1.4}
caption{text-align:left;color:var(--muted);padding:0 0 6px}
th{font-weight:600;text-align:left}
.numbers th,.numbers td,.files th,.files td{padding:6px 14px 6px 0;border-bottom:1px solid var(--grid);vertical-align:baseline}
.numbers td,.numbers thead th:not(:first-child){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.numbers small{color:var(--muted);font-size:12px}
.numbers tbody th,.files th{white-space:nowrap}
.numbers thead th,.files thead th{border-bottom:1px solid var(--axis);color:var(--muted);font-weight:500}
.numbers th:first-child,.pictures tbody th,.pictures td:first-child{position:sticky;left:0;background:var(--paper)}
.files .count{text-align:right;font-variant-numeric:tabular-nums}
.nowrap{white-space:nowrap}
.pictures th{font-weight:500;font-size:12.5px}
.pictures thead th{padding:0 3px 5px;text-align:center;vertical-align:bottom}
.pictures thead .over{color:var(--muted);font-weight:400}
.pictures tbody th{padding:0 12px 0 0;max-width:8.5em}
.pictures td{padding:2px 3px}
.pictures img{display:block;width:72px;height:72px;margin:0 auto;image-rendering:pixelated}
.svgs{columns:3 220px;font-size:13.5px;max-width:none!important;padding-left:1.1em}
footer{padding-top:10px;padding-bottom:44px;font-size:13px;color:var(--muted)}
@media(max-width:640px){
body{font-size:16px}.top,.columns,.alone,footer{padding-left:16px;padding-right:16px}.top{padding-top:26px}
h2{font-size:22px}.panels:not(.large){grid-template-columns:1fr 1fr;gap:16px 12px}
.findings li{grid-template-columns:1fr;gap:0}.pictures img{width:58px;height:58px}
.tiles{grid-template-columns:1fr 1fr}.tiles div:last-child:nth-child(odd){grid-column:span 2}.protocol div,.models div{grid-template-columns:104px minmax(0,1fr)}
}
@media print{nav,.skip{display:none}.columns{display:block}figure{break-inside:avoid}}
"#;
